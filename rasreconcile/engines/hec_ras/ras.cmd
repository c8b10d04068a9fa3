@echo off
rem Ras.exe on one plan, in the project's folder; then waits for what Ras.exe leaves behind.
rem
rem   ras.cmd RAS_EXE FORM STEM NUMBER GRACE QUIET
rem
rem Ras.exe can return before its solver has ended, and the end of this script ends every process of the run. So it
rem waits until the growing .tmp.hdf has become the .hdf and nothing changes any more for GRACE seconds; until Ras.exe
rem has said its last word; or until nothing has changed for QUIET seconds. The outer bound is the run's time limit.
setlocal DisableDelayedExpansion
set "exe=%~1"
set "form=%~2"
set "stem=%~3"
set "number=%~4"
set "grace=%~5"
set "quiet=%~6"
set "growing=%stem%.p%number%.tmp.hdf"
set "result=%stem%.p%number%.hdf"
set "here=%CD%"
if "%form%"=="plan" goto plan
"%exe%" "%here%\%stem%.prj" -c
goto returned
:plan
"%exe%" -c "%here%\%stem%.prj" "%here%\%stem%.p%number%"
:returned
set "code=%errorlevel%"
if exist "%result%" if not exist "%growing%" exit /b %code%
set "before="
set /a still=0
:look
set "now="
for %%F in ("%growing%" "%result%" "%stem%.p%number%.computeMsgs.txt" "%stem%.p%number%.comp_msgs.txt") do call :measure "%%~F"
if "%now%"=="%before%" (set /a still+=2) else (set /a still=0)
set "before=%now%"
if %still% lss %grace% goto pause
if not exist "%growing%" exit /b %code%
for %%F in ("%stem%.p%number%.computeMsgs.txt" "%stem%.p%number%.comp_msgs.txt") do if exist "%%~F" (
    findstr /c:"Complete Process" /c:"Error with program" /c:"Program execution halted" "%%~F" >nul && exit /b %code%
)
if %still% lss %quiet% goto pause
echo rasreconcile: Ras.exe has returned, and %growing% has not changed for %still% s: its solver is gone or stuck
exit /b 1
:pause
rem `timeout` wants a console, which a run has not.
ping -n 3 127.0.0.1 >nul
goto look

:measure
rem Windows writes down the size of a growing file when somebody opens and closes it.
if not exist "%~1" goto :eof
type nul <"%~1" >nul 2>nul
set "now=%now% %~z1"
goto :eof
