// A plugin for QEMU's user mode that counts executed instructions and writes their number into a file when the program
// ends: qemu-aarch64 -plugin ./count.so,out=FILE PROGRAM
//
// What it needs of qemu-plugin.h is declared here, since Debian's packages do not have that file. These four functions
// are the same in all versions of QEMU; the number of the interface is not: 1 in Debian 12's, -DINTERFACE=4 from 10 on.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef INTERFACE
#define INTERFACE 1
#endif

struct tb;
typedef uint64_t id;
int qemu_plugin_version = INTERFACE;
size_t qemu_plugin_tb_n_insns(const struct tb *);
void qemu_plugin_register_vcpu_tb_trans_cb(id, void (*)(id, struct tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct tb *, void (*)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_atexit_cb(id, void (*)(id, void *), void *data);

static uint64_t count;
static char path[4096];

static void executed(unsigned cpu, void *instructions) {
    (void)cpu;
    __atomic_fetch_add(&count, (uint64_t)(uintptr_t)instructions, __ATOMIC_RELAXED);
}

static void translated(id plugin, struct tb *block) {
    (void)plugin;
    qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void ended(id plugin, void *data) {
    (void)plugin;
    (void)data;
    FILE *file = fopen(path, "w");
    if (!file) return;
    fprintf(file, "%llu\n", (unsigned long long)count);
    fclose(file);
}

int qemu_plugin_install(id plugin, const void *info, int argc, char **argv) {
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) return 1;
    snprintf(path, sizeof path, "%s", argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(plugin, translated);
    qemu_plugin_register_atexit_cb(plugin, ended, NULL);
    return 0;
}
