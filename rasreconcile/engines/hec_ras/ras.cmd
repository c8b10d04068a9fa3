@echo off
rem Ras.exe on one plan, in the project's folder; then waits for what Ras.exe leaves behind.
rem
rem   ras.cmd RAS_EXE FORM STEM NUMBER GRACE QUIET             compute
rem   ras.cmd RAS_EXE FORM STEM NUMBER GRACE QUIET A B C       until the solver begins, and A, B and C are there: prepare
rem   ras.cmd RAS_EXE FORM STEM NUMBER 0 0 call                only call Ras.exe: for ras.sh
rem
rem Ras.exe can return before its solver has ended, and the end of this script ends every process of the run. So it
rem waits until the growing .tmp.hdf has become the .hdf and nothing changes any more for GRACE seconds; until Ras.exe
rem has said its last word; or until nothing has changed for QUIET seconds. The outer bound is the run's time limit.
setlocal DisableDelayedExpansion
if "%~1"=="background" goto background
set "exe=%~1"
set "form=%~2"
set "stem=%~3"
set "number=%~4"
set "grace=%~5"
set "quiet=%~6"
set "growing=%stem%.p%number%.tmp.hdf"
set "result=%stem%.p%number%.hdf"
set "told=%stem%.p%number%.computeMsgs.txt"
set "told_before=%stem%.p%number%.comp_msgs.txt"
set "bco=%stem%.bco%number%"
set "here=%CD%"
set "before="
set /a still=0
if "%~7"=="call" goto call
if not "%~7"=="" goto prepare
call :ras
set "code=%errorlevel%"
if exist "%result%" if not exist "%growing%" exit /b %code%
:look
call :compare
if %still% lss %grace% goto pause
call :is_over && exit /b %code%
if %still% lss %quiet% goto pause
call :gone
exit /b 1
:pause
call :wait
goto look

:call
call :ras
exit /b %errorlevel%

:background
call :ras
echo returned>rasreconcile.returned
exit /b 0

:prepare
rem What is set here, the other one finds set.
start "" /b cmd /d /c "%~nx0" background
:watch
set "returned="
if exist rasreconcile.returned set "returned=yes"
rem A short plan is computed before anybody sees that it was prepared: its result is what was prepared, and more.
if defined returned if exist "%result%" if not exist "%growing%" ren "%result%" "%growing%"
set "whole=yes"
for %%F in ("%~7" "%~8" "%~9") do if not "%%~F"=="" call :is_there "%%~F"
if defined whole if defined returned exit /b 0
if defined whole call :begins && exit /b 0
call :compare
if defined returned if %still% geq %grace% call :is_over && exit /b 0
if %still% lss %quiet% goto again
if defined returned (call :gone) else echo rasreconcile: Ras.exe hangs: it has written nothing for %still% s, and %growing% is not whole
exit /b 1
:again
call :wait
goto watch

:ras
rem HEC-RAS reads quoted words from its command line.
if not "%form%"=="plan" "%exe%" "%here%\%stem%.prj" -c
if "%form%"=="plan" "%exe%" -c "%here%\%stem%.prj" "%here%\%stem%.p%number%"
exit /b %errorlevel%

:compare
set "now="
for %%F in ("%growing%" "%result%" "%told%" "%told_before%" "%bco%") do call :measure "%%~F"
if "%now%"=="%before%" (set /a still+=2) else (set /a still=0)
set "before=%now%"
exit /b 0

:is_over
rem Nothing grows, or Ras.exe has said its last word: what is still there then, a solver that died has left.
if not exist "%growing%" exit /b 0
for %%F in ("%told%" "%told_before%") do if exist "%%~F" (
    findstr /c:"Complete Process" /c:"Error with program" /c:"Program execution halted" "%%~F" >nul && exit /b 0
)
exit /b 1

:begins
rem Everything is prepared. Some releases leave the .bco empty.
for %%F in ("%bco%" "%told%" "%told_before%") do if exist "%%~F" (
    findstr /c:"Starting Unsteady Flow Computations" /c:"PROCESS:RasUnsteady" /c:"Performing Unsteady Flow Simulation" /c:"PROCESS:RasSteady" /c:"Steady Flow Simulation HEC-RAS" "%%~F" >nul && exit /b 0
)
exit /b 1

:gone
echo rasreconcile: Ras.exe has returned, and %growing% has not changed for %still% s: its solver is gone or stuck
exit /b 0

:wait
rem `timeout` wants a console, which a run has not.
ping -n 3 127.0.0.1 >nul
exit /b 0

:measure
rem Windows writes down the size of a growing file when somebody opens and closes it.
if not exist "%~1" exit /b 0
type nul <"%~1" >nul 2>nul
set "now=%now% %~z1"
exit /b 0

:is_there
if not exist "%~1" set "whole="
if not exist "%~1" exit /b 0
type nul <"%~1" >nul 2>nul
if "%~z1"=="0" set "whole="
exit /b 0
