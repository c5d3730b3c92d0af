// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE  // pthread_setname_np, sched_getcpu
#include "CKernels.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

// A job is open while `state` holds its number and the next index: number << 32 | index. A member takes an index by
// compare-and-swap on the state that it read before it read the job, so a member that slept through a job cannot take an
// index of the next one by mistake. The owner waits for the finished indices, not for the members.

#define SPIN_NANOSECONDS 50000
#define CLOSED 0xffffffffu

// On a busy core a member may hold an index, or the owner its own, without running; the others then wait for
// milliseconds, and two threads on one free core would take longer than one. Such a member rests, so that the others do
// its work: one whose processor time stood still while the owner waited for it, or one on the owner's own processor.
// The first rest is short, for a disturbance that is over soon. A member in the way again after less than two usual time
// slices of work rests twice as long each time, because each attempt costs one wait; one that worked for longer was worth
// the wait.
#define PATIENCE_NANOSECONDS 10000
#define SHORTEST_REST 1000000
#define LONGEST_REST 128000000
#define WORTHWHILE_WORK 6000000

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
    _Atomic int owner_processor;         // on which it opened the job
    pthread_mutex_t lock;
    pthread_cond_t opened, finished, stopped;
    long size, started;
    _Atomic long rests;
    struct member {
        _Alignas(64) pthread_t thread;
        struct ck_team *team;
        long number;
        uint64_t processor_time;         // the owner's: when it began to wait
        _Atomic int processor;           // on which it began to look for an index
        _Atomic bool working;            // looks for an index or holds one
        _Atomic bool late;
        uint64_t rest;                   // the member's: nanoseconds of its last rest
        uint64_t worked;                 // the member's: its processor time then
    } members[];
};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static uint64_t clock_nanoseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t nanoseconds(void) { return clock_nanoseconds(CLOCK_MONOTONIC); }

/// Processor time of a member; 0 if the system does not say.
static uint64_t processor_nanoseconds(const struct member *member) {
    clockid_t clock;
    return pthread_getcpuclockid(member->thread, &clock) == 0 ? clock_nanoseconds(clock) : 0;
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

/// Whether the calling member keeps the owner, which holds the last index, from running.
static bool hinders_owner(ck_team *team) {
    return atomic_load(&team->busy) && atomic_load(&team->done) + 1 == atomic_load(&team->count)
        && atomic_load(&team->owner_processor) == sched_getcpu();
}

/// Leaves the work to the others for a while.
static void rest(ck_team *team, struct member *member) {
    const uint64_t worked = clock_nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    const bool again = member->rest > 0 && worked - member->worked < WORTHWHILE_WORK;
    const uint64_t longer = again ? 2 * member->rest : SHORTEST_REST;
    member->rest = longer < LONGEST_REST ? longer : LONGEST_REST;
    member->worked = worked;
    atomic_fetch_add(&team->rests, 1);
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    const uint64_t fraction = (uint64_t)end.tv_nsec + member->rest;
    end.tv_sec += (time_t)(fraction / 1000000000u);
    end.tv_nsec = (long)(fraction % 1000000000u);
    pthread_mutex_lock(&team->lock);
    while (!atomic_load(&team->stopping)) {
        if (pthread_cond_timedwait(&team->stopped, &team->lock, &end) != 0) break;
    }
    pthread_mutex_unlock(&team->lock);
}

static void *member_main(void *argument) {
    struct member *member = argument;
    ck_team *team = member->team;
    pthread_setname_np(pthread_self(), "uae.compute");
    while (!atomic_load(&team->stopping)) {
        atomic_store(&member->processor, sched_getcpu());
        atomic_store(&member->working, true);
        take_part(team, member->number);
        atomic_store(&member->working, false);
        if (atomic_exchange(&member->late, false) || hinders_owner(team)) {
            rest(team, member);
            continue;
        }
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
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&team->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    pthread_mutex_lock(&team->lock);
    pthread_cond_broadcast(&team->stopped);
    pthread_mutex_unlock(&team->lock);
    for (long i = 1; i <= team->started; i++) pthread_join(team->members[i].thread, NULL);
    pthread_mutex_destroy(&team->lock);
    pthread_cond_destroy(&team->opened);
    pthread_cond_destroy(&team->finished);
    pthread_cond_destroy(&team->stopped);
    free(team);
}

/// Spins until `count` indices are finished or the clock shows `end`.
static bool spin(ck_team *team, long count, uint64_t end) {
    do {
        for (int i = 0; i < 32; i++) {
            if (atomic_load(&team->done) == count) return true;
            pause_briefly();
        }
    } while (nanoseconds() < end);
    return false;
}

/// Marks members on the calling owner's processor as late; they cannot run while it does.
static bool blame_neighbours(ck_team *team) {
    const int processor = sched_getcpu();
    bool found = false;
    for (long i = 1; i <= team->started; i++) {
        struct member *member = &team->members[i];
        if (atomic_load(&member->processor) != processor || !atomic_load(&member->working)) continue;
        atomic_store(&member->late, true);
        found = true;
    }
    return found;
}

/// Spins until `count` indices are finished, for a time; marks members that did not run meanwhile as late.
static bool spin_for_members(ck_team *team, long count) {
    const uint64_t start = nanoseconds();
    if (spin(team, count, start + PATIENCE_NANOSECONDS)) return true;
    const uint64_t asked = nanoseconds();
    for (long i = 1; i <= team->started; i++) {
        struct member *member = &team->members[i];
        member->processor_time = atomic_load(&member->working) ? processor_nanoseconds(member) : 0;
    }
    if (spin(team, count, start + SPIN_NANOSECONDS)) return true;
    for (long i = 1; i <= team->started; i++) {
        struct member *member = &team->members[i];
        if (member->processor_time == 0 || !atomic_load(&member->working)) continue;
        const uint64_t ran = processor_nanoseconds(member) - member->processor_time;
        if (2 * ran < nanoseconds() - asked) atomic_store(&member->late, true);
    }
    return false;
}

/// Waits until `count` indices are finished: spins first, then sleeps.
static void await_end(ck_team *team, long count) {
    if (atomic_load(&team->done) == count) return;
    if (!blame_neighbours(team) && spin_for_members(team, count)) return;
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
    atomic_store(&team->owner_processor, sched_getcpu());
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

long ck_team_rests(const ck_team *team) { return atomic_load(&team->rests); }
