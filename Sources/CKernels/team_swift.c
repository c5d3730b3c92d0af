// SPDX-License-Identifier: Apache-2.0
#include "CKernels.h"

// `forEach` of ComputeTeam.swift. It is called, and calls back, in Swift's calling convention, in which a closure is a
// function and a context.

typedef __attribute__((swiftcall)) void (*swift_body)(long index, long member,
                                                      __attribute__((swift_context)) void *context);

typedef struct {
    swift_body body;
    void *context;
} swift_closure;

static void call_closure(void *closure, long index, long member) {
    const swift_closure *c = closure;
    c->body(index, member, c->context);
}

__attribute__((swiftcall)) void ck_team_run_swift(ck_team *team, long count, swift_body body, void *context);

__attribute__((swiftcall)) void ck_team_run_swift(ck_team *team, long count, swift_body body, void *context) {
    swift_closure closure = {body, context};
    ck_team_run(team, count, call_closure, &closure);
}
