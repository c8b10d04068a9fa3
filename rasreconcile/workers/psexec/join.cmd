@echo off
rem Written by rasreconcile. Opened on this machine, it makes it compute runs that are put into this folder, in the
rem desktop session of whoever opens it. Nothing is installed: remove the folder .rasreconcile to be rid of it.
setlocal DisableDelayedExpansion
set "here=%~dp0"
if not "%here:~0,2%"=="\\" goto local
echo Open this file on the machine itself, in the folder behind the share, and not over the network.
goto failed
:local
set "desk=%~dp0.rasreconcile"
set "version="
if exist "%desk%\wanted" set /p version=<"%desk%\wanted"
if defined version goto known
echo %desk%\wanted is not there: run `rasreconcile check` on the machine that sends the runs.
goto failed
:known
set "runner=%desk%\bin\runner-%version%.exe"
if exist "%runner%" goto start
set "csc=%SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\csc.exe"
if exist "%csc%" goto compile
echo .NET Framework 4 is not here: install it, or turn it on in "Windows features".
goto failed
:compile
if not exist "%desk%\bin" mkdir "%desk%\bin"
"%csc%" /nologo /optimize /target:exe "/out:%desk%\bin\host-%version%.part" "%desk%\sources\%version%\*.cs"
if errorlevel 1 goto uncompiled
"%csc%" /nologo /optimize /target:winexe "/out:%desk%\bin\runner-%version%.part" "%desk%\sources\%version%\*.cs"
if errorlevel 1 goto uncompiled
move /y "%desk%\bin\host-%version%.part" "%desk%\bin\host-%version%.exe" >nul
move /y "%desk%\bin\runner-%version%.part" "%runner%" >nul
if exist "%runner%" goto start
:uncompiled
echo The agent could not be compiled, or a scanner took it away: allow programs in %desk%\bin.
goto failed
:start
start "" "%runner%" watch "%here%."
if errorlevel 1 goto blocked
if not "%~1"=="quiet" echo This machine computes now. Lock it or disconnect, but do not log off. This window may be closed.
exit /b 0
:blocked
echo Windows does not start programs of %desk%\bin: allow that folder in AppLocker, or to the scanner.
:failed
if not "%~1"=="quiet" pause
exit /b 1
