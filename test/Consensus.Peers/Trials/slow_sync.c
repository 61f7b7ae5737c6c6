/*
 * Delays every flush of the process that it is preloaded into (LD_PRELOAD) by SLOW_SYNC_MS while the file SLOW_SYNC_FLAG exists, and adds one byte to
 * SLOW_SYNC_FLAG.delayed for each flush that it delayed. A disk does no more than that on a bad day.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void delay(void)
{
    const char *flag = getenv("SLOW_SYNC_FLAG");
    const char *ms = getenv("SLOW_SYNC_MS");
    if (flag == NULL || ms == NULL || access(flag, F_OK) != 0)
        return;
    long wanted = atol(ms);
    struct timespec left = { wanted / 1000, wanted % 1000 * 1000000L };
    nanosleep(&left, NULL);
    char name[4096];
    if (snprintf(name, sizeof name, "%s.delayed", flag) >= (int)sizeof name)
        return;
    int file = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file >= 0) {
        ssize_t written = write(file, "1", 1);
        (void)written;
        close(file);
    }
}

/* By their numbers: the library's own functions of these names are the ones below. */
int fsync(int file)
{
    delay();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    delay();
    return (int)syscall(SYS_fdatasync, file);
}

int msync(void *start, size_t length, int flags)
{
    delay();
    return (int)syscall(SYS_msync, start, length, flags);
}

/* A runtime that asks libc itself for a function by name would be given libc's. */
void *dlsym(void *handle, const char *name)
{
    static void *(*real)(void *, const char *);
    if (real == NULL) {
        real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (real == NULL)
            real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        if (real == NULL)
            real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
    }
    if (strcmp(name, "fsync") == 0)
        return (void *)fsync;
    if (strcmp(name, "fdatasync") == 0)
        return (void *)fdatasync;
    if (strcmp(name, "msync") == 0)
        return (void *)msync;
    return real(handle, name);
}
