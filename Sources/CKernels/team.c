// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE  // pthread_setname_np
#include "CKernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

// A job is open while `state` holds its number and the next index: number << 32 | index. A member takes an index by
// compare-and-swap on the state that it read before it read the job, so a member that slept through a job cannot take an
// index of the next one by mistake. The owner waits for the finished indices, not for the members.

#define SPIN_NANOSECONDS 50000
#define CLOSED 0xffffffffu

struct ck_team {
    _Alignas(64) _Atomic uint64_t state;
    _Alignas(64) _Atomic long done;      // indices finished
    _Alignas(64) _Atomic(ck_team_body) body;
    _Atomic(void *) context;
    _Atomic long count;
    _Alignas(64) _Atomic int parked;     // members asleep
    _Atomic bool owner_parked;
    _Atomic bool stopping;
    _Atomic bool busy;                   // an owner is in ck_team_run
    pthread_mutex_t lock;
    pthread_cond_t opened, finished;
    long size, started;
    struct member {
        pthread_t thread;
        struct ck_team *team;
        long number;
    } members[];
};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Takes and runs indices until the open job has none left.
static void take_part(ck_team *team, long number) {
    for (;;) {
        uint64_t state = atomic_load(&team->state);
        const uint32_t index = (uint32_t)state;
        if (index == CLOSED) return;
        const ck_team_body body = atomic_load_explicit(&team->body, memory_order_acquire);
        void *context = atomic_load_explicit(&team->context, memory_order_acquire);
        const long count = atomic_load_explicit(&team->count, memory_order_acquire);
        if (index >= count) return;
        // On success no other job was opened meanwhile, so body, context and count belong to this job.
        if (!atomic_compare_exchange_weak(&team->state, &state, state + 1)) continue;
        body(context, index, number);
        if (atomic_fetch_add(&team->done, 1) + 1 == count && atomic_load(&team->owner_parked)) {
            pthread_mutex_lock(&team->lock);
            pthread_cond_signal(&team->finished);
            pthread_mutex_unlock(&team->lock);
        }
    }
}

/// Waits until `state` differs from `seen`: spins first, then sleeps.
static void await_change(ck_team *team, uint64_t seen) {
    const uint64_t start = nanoseconds();
    do {
        for (int i = 0; i < 32; i++) {
            if (atomic_load_explicit(&team->state, memory_order_relaxed) != seen) return;
            pause_briefly();
        }
    } while (nanoseconds() - start < SPIN_NANOSECONDS);
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add(&team->parked, 1);
    while (atomic_load(&team->state) == seen) pthread_cond_wait(&team->opened, &team->lock);
    atomic_fetch_sub(&team->parked, 1);
    pthread_mutex_unlock(&team->lock);
}

static void *member_main(void *argument) {
    const struct member *member = argument;
    ck_team *team = member->team;
    pthread_setname_np(pthread_self(), "uae.compute");
    while (!atomic_load(&team->stopping)) {
        take_part(team, member->number);
        // The job is finished or closed: wait until the state read here changes.
        const uint64_t seen = atomic_load(&team->state);
        const uint32_t index = (uint32_t)seen;
        if (index != CLOSED && index < atomic_load(&team->count)) continue;
        if (atomic_load(&team->stopping)) break;
        await_change(team, seen);
    }
    return NULL;
}

static void open_state(ck_team *team, uint64_t state) {
    atomic_store(&team->state, state);
    if (atomic_load(&team->parked) == 0) return;
    pthread_mutex_lock(&team->lock);
    pthread_cond_broadcast(&team->opened);
    pthread_mutex_unlock(&team->lock);
}

ck_team *ck_team_create(long size) {
    ck_team *team = NULL;
    const size_t bytes = (sizeof(ck_team) + (size_t)size * sizeof(struct member) + 63) / 64 * 64;
    if (posix_memalign((void **)&team, 64, bytes) != 0) return NULL;
    *team = (ck_team){.size = size, .started = 0};
    atomic_store(&team->state, CLOSED);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->opened, NULL);
    pthread_cond_init(&team->finished, NULL);
    for (long i = 1; i < size; i++) {
        struct member *member = &team->members[i];
        *member = (struct member){.team = team, .number = i};
        if (pthread_create(&member->thread, NULL, member_main, member) != 0) {
            ck_team_destroy(team);
            return NULL;
        }
        team->started = i;
    }
    return team;
}

void ck_team_destroy(ck_team *team) {
    atomic_store(&team->stopping, true);
    const uint64_t job = (atomic_load(&team->state) >> 32) + 1;
    open_state(team, job << 32 | CLOSED);
    for (long i = 1; i <= team->started; i++) pthread_join(team->members[i].thread, NULL);
    pthread_mutex_destroy(&team->lock);
    pthread_cond_destroy(&team->opened);
    pthread_cond_destroy(&team->finished);
    free(team);
}

/// Waits until `count` indices are finished: spins first, then sleeps.
static void await_end(ck_team *team, long count) {
    const uint64_t start = nanoseconds();
    do {
        for (int i = 0; i < 32; i++) {
            if (atomic_load(&team->done) == count) return;
            pause_briefly();
        }
    } while (nanoseconds() - start < SPIN_NANOSECONDS);
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->owner_parked, true);
    while (atomic_load(&team->done) != count) pthread_cond_wait(&team->finished, &team->lock);
    atomic_store(&team->owner_parked, false);
    pthread_mutex_unlock(&team->lock);
}

void ck_team_run(ck_team *team, long count, ck_team_body body, void *context) {
    if (team == NULL || team->size == 1 || count <= 1) {
        for (long i = 0; i < count; i++) body(context, i, 0);
        return;
    }
    // A second owner, or a body that calls this itself, would corrupt the open job.
    if (atomic_exchange(&team->busy, true)) abort();
    const uint64_t job = (atomic_load(&team->state) >> 32) + 1;
    // Stored first, so that a member that reads a new value below finds the old job closed.
    atomic_store(&team->state, job << 32 | CLOSED);
    atomic_store_explicit(&team->body, body, memory_order_release);
    atomic_store_explicit(&team->context, context, memory_order_release);
    atomic_store_explicit(&team->count, count, memory_order_release);
    atomic_store(&team->done, 0);
    open_state(team, job << 32);
    take_part(team, 0);

    await_end(team, count);
    atomic_store(&team->busy, false);
}
