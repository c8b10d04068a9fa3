/* Ras.exe for Wine: a Windows program that is called as the real one is and hands its arguments, as it got them, to
   programs.py, a program of the system under Wine. It returns when that says so; what goes on then outlives it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static void home_of(char *home)
{
    GetModuleFileNameA(NULL, home, MAX_PATH);
    *strrchr(home, '\\') = 0;
}

int main(int count, char **words)
{
    char home[MAX_PATH], place[MAX_PATH + 40], line[8000] = "", returned[64], code[16] = "1";
    char script[1000];
    home_of(home);
    snprintf(place, sizeof place, "%s\\lines.txt", home);
    FILE *lines = fopen(place, "a");
    if (lines) {
        fprintf(lines, "%s\n", GetCommandLineA());
        fclose(lines);
    }
    snprintf(place, sizeof place, "%s\\standin.txt", home);
    FILE *said = fopen(place, "r");
    if (!said || !fgets(script, 1000, said)) {
        fprintf(stderr, "no %s\n", place);
        return 3;
    }
    fclose(said);
    script[strcspn(script, "\r\n")] = 0;
    snprintf(returned, sizeof returned, "standin.%lu.returned", GetCurrentProcessId());
    snprintf(line, sizeof line, "sh \"%s\" returned=%s", script, returned);
    for (int n = 1; n < count; n++) {
        strncat(line, " \"", sizeof line - strlen(line) - 1);
        strncat(line, words[n], sizeof line - strlen(line) - 1);
        strncat(line, "\"", sizeof line - strlen(line) - 1);
    }
    STARTUPINFOA with = {.cb = sizeof with};
    PROCESS_INFORMATION child;
    if (!CreateProcessA("Z:\\bin\\sh", line, NULL, NULL, TRUE, 0, NULL, NULL, &with, &child)) {
        fprintf(stderr, "cannot start sh: %lu\n", GetLastError());
        return 4;
    }
    FILE *answer;
    while (!(answer = fopen(returned, "r")) || !fgets(code, sizeof code, answer)) {
        if (answer)
            fclose(answer);
        Sleep(50);
    }
    fclose(answer);
    DeleteFileA(returned);
    return atoi(code);
}
