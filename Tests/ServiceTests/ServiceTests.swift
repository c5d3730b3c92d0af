// SPDX-License-Identifier: Apache-2.0

import Testing

/// Whole services with threads of their own: one at a time, or they only measure who starves whom.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ServiceTests {}
