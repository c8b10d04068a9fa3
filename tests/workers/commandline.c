/* What a program gets of a command line. `say` prints its words, each in a line, as UTF-8; `start PROGRAM-FILE` starts the
   program in the first line of the file with the rest of the command line in the second, as .NET does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static void say(const wchar_t *text)
{
    char bytes[8192];
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    fwrite(bytes, 1, size - 1, stdout);
    putchar('\n');
}

static int start(const wchar_t *path)
{
    char bytes[8192] = {0};
    wchar_t text[8192], line[8192];
    FILE *file = _wfopen(path, L"rb");
    if (!file) return 98;
    fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    MultiByteToWideChar(CP_UTF8, 0, bytes, -1, text, 8192);
    wchar_t *arguments = wcschr(text, L'\n');
    *arguments++ = 0;
    _snwprintf(line, 8192, L"\"%ls\" %ls", text, arguments);
    STARTUPINFOW info = {sizeof info};
    PROCESS_INFORMATION made;
    DWORD code;
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &info, &made)) return 97;
    WaitForSingleObject(made.hProcess, INFINITE);
    GetExitCodeProcess(made.hProcess, &code);
    return (int)code;
}

int wmain(int count, wchar_t **words)
{
    if (count == 3 && !wcscmp(words[1], L"start")) return start(words[2]);
    for (int at = 1; at < count; at++) say(words[at]);
    return 0;
}
