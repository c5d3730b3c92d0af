// SPDX-License-Identifier: Apache-2.0

// Tells the thread sanitizer what a contended `Mutex` of Swift's Synchronization orders.
//
// A free lock is taken and given back by atomics that are compiled into our code, where the sanitizer sees them. One that
// is held goes through the functions below, in a library that is not built for the sanitizer, to the kernel (FUTEX_LOCK_PI,
// FUTEX_UNLOCK_PI); without a word of it, everything that such a lock guards would count as a race. Being in the
// executable, these definitions are found first and call the library's.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

void __tsan_acquire(void *address);
void __tsan_release(void *address);

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

// _MutexHandle._lockSlow(_: UInt32)
SWIFT void $s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF(uint32_t thread, SELF);
SWIFT void $s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF(uint32_t thread, SELF) {
    typedef SWIFT void (*function)(uint32_t, SELF);
    ((function)next("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"))(thread, self);
    __tsan_acquire(self);
}

// _MutexHandle._tryLockSlow() -> Bool
SWIFT bool $s15Synchronization12_MutexHandleV12_tryLockSlowSbyF(SELF);
SWIFT bool $s15Synchronization12_MutexHandleV12_tryLockSlowSbyF(SELF) {
    typedef SWIFT bool (*function)(SELF);
    const bool taken = ((function)next("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"))(self);
    if (taken) __tsan_acquire(self);
    return taken;
}

// _MutexHandle._unlockSlow()
SWIFT void $s15Synchronization12_MutexHandleV11_unlockSlowyyF(SELF);
SWIFT void $s15Synchronization12_MutexHandleV11_unlockSlowyyF(SELF) {
    typedef SWIFT void (*function)(SELF);
    __tsan_release(self);
    ((function)next("$s15Synchronization12_MutexHandleV11_unlockSlowyyF"))(self);
}
