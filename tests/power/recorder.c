/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that remembers: one file, for a loop device, on FUSE (libfuse 3).
 *
 *     recorder IMAGE LOG MOUNT-POINT [FUSE-OPTION...]
 *
 * MOUNT-POINT/disk has the content of IMAGE. Every write to it is made there and appended to LOG, in
 * the order in which it arrives, and so is every flush: the loop device turns a cache flush of the
 * file system above into fsync(2) of its file (Linux, drivers/block/loop.c, lo_req_flush()). What is
 * written to MOUNT-POINT/mark goes into the log as a mark of its own.
 *
 * A record is a header of four 64-bit numbers - kind, offset, length, and 0 - and, of a write and a
 * mark, its bytes. A discard is a write of zeros. */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
    KIND_WRITE = 1,
    KIND_FLUSH = 2,
    KIND_MARK = 3,
    KIND_ZERO = 4
};

static int image = -1, logfile = -1;

static int append(enum kind kind, off_t offset, size_t len, const char *data)
{
    uint64_t header[4] = {(uint64_t)kind, (uint64_t)offset, (uint64_t)len, 0};
    if (write(logfile, header, sizeof(header)) != (ssize_t)sizeof(header))
        return -EIO;
    if (data && write(logfile, data, len) != (ssize_t)len)
        return -EIO;
    return 0;
}

static int get_attributes(const char *path, struct stat *st, struct fuse_file_info *info)
{
    (void)info;
    memset(st, 0, sizeof(*st));
    if (strcmp(path, "/") == 0) {
        st->st_mode = S_IFDIR | 0700;
        st->st_nlink = 2;
        return 0;
    }
    st->st_mode = S_IFREG | 0600;
    st->st_nlink = 1;
    if (strcmp(path, "/mark") == 0)
        return 0;
    struct stat own;
    if (strcmp(path, "/disk") != 0)
        return -ENOENT;
    if (fstat(image, &own) < 0)
        return -errno;
    st->st_size = own.st_size;
    return 0;
}

static int open_file(const char *path, struct fuse_file_info *info)
{
    (void)path;
    (void)info;
    return 0;
}

static int truncate_file(const char *path, off_t size, struct fuse_file_info *info)
{
    (void)size;
    (void)info;
    return strcmp(path, "/mark") == 0 ? 0 : -EPERM;
}

static int read_file(const char *path, char *data, size_t len, off_t offset,
                     struct fuse_file_info *info)
{
    (void)info;
    if (strcmp(path, "/disk") != 0)
        return 0;
    ssize_t got = pread(image, data, len, offset);
    return got < 0 ? -errno : (int)got;
}

static int write_file(const char *path, const char *data, size_t len, off_t offset,
                      struct fuse_file_info *info)
{
    (void)info;
    if (strcmp(path, "/disk") != 0)
        return append(KIND_MARK, 0, len, data) < 0 ? -EIO : (int)len;
    ssize_t put = pwrite(image, data, len, offset);
    if (put < 0)
        return -errno;
    return append(KIND_WRITE, offset, (size_t)put, data) < 0 ? -EIO : (int)put;
}

static int flush_disk(const char *path, int only_data, struct fuse_file_info *info)
{
    (void)only_data;
    (void)info;
    return strcmp(path, "/disk") == 0 ? append(KIND_FLUSH, 0, 0, NULL) : 0;
}

static int allocate(const char *path, int mode, off_t offset, off_t len,
                    struct fuse_file_info *info)
{
    (void)info;
    if (strcmp(path, "/disk") != 0 || !(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
        return -EOPNOTSUPP;
    if (fallocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len) < 0)
        return -errno;
    return append(KIND_ZERO, offset, (size_t)len, NULL);
}

static const struct fuse_operations operations = {
    .getattr = get_attributes,
    .open = open_file,
    .truncate = truncate_file,
    .read = read_file,
    .write = write_file,
    .fsync = flush_disk,
    .fallocate = allocate,
};

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: recorder IMAGE LOG MOUNT-POINT [FUSE-OPTION...]\n", stderr);
        return 2;
    }
    image = open(argv[1], O_RDWR | O_CLOEXEC);
    logfile = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (image < 0 || logfile < 0) {
        perror(image < 0 ? argv[1] : argv[2]);
        return 1;
    }
    argv[2] = argv[0];
    return fuse_main(argc - 2, argv + 2, &operations, NULL);
}
