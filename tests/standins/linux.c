/* A Linux solver that needs its libraries as the real ones do: where one is not found, the system's own loader refuses it.
 *
 * `standin.txt` beside it holds, a line each: the interpreter, programs.py, and the top of the install.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int standin_fortran(void);
int standin_mkl(void);
int standin_gfortran(void);

int main(int argc, char **argv)
{
    static char self[4096], place[4200], lines[3][4096];
    char **words = calloc(argc + 4, sizeof *words);
    const char *libraries = getenv("LD_LIBRARY_PATH");
    int n;

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 70;
    char *name = strrchr(self, '/') + 1;
    snprintf(place, sizeof place, "%.*sstandin.txt", (int)(name - self), self);
    FILE *file = fopen(place, "r");
    for (n = 0; n < 3; n++) {
        if (file == NULL || fgets(lines[n], sizeof lines[n], file) == NULL)
            return 70;
        lines[n][strcspn(lines[n], "\n")] = 0;
    }
    /* Only these programs need them: the interpreter has libraries of the same names of its own. */
    setenv("STANDIN_LIBRARIES", libraries == NULL ? "" : libraries, 1);
    unsetenv("LD_LIBRARY_PATH");
    words[0] = lines[0], words[1] = lines[1], words[2] = name, words[3] = lines[2];
    for (n = 1; n < argc; n++)
        words[n + 3] = argv[n];
    if (standin_fortran() + standin_mkl() + standin_gfortran() == 3)
        execv(lines[0], words);
    return 70;
}
