//! The sentence frames, by grade and split. No frame of one split occurs in another.
//!
//! A slot is written in braces. `{plain.t}` is a phrase that says the target's status about the target, `{plain.o}` the
//! other supplement's; `.p` is the target's earlier status. `{plain.t.it}` says "it" where the supplement was named already.
//! `{s}` is the patient, `{S}` the same with a capital.

/// Frames of one grade.
pub(super) struct Frames {
    pub(super) train: &'static [&'static str],
    pub(super) dev: &'static [&'static str],
    pub(super) test: &'static [&'static str],
}

/// The frames of grades 1 to 5.
pub(super) const GRADES: [Frames; 5] = [PLAIN, NEGATION, HISTORY, TWO, HEDGES];

const PLAIN: Frames = Frames {
    train: &[
        "{s} {plain.t} for {reason}.",
        "{s} {plain.t}.",
        "{s} {plain.t}; {finding}.",
        "{finding}; {s} {plain.t}.",
        "At {visit} {s} {plain.t}.",
        "Per {source}, {s} {plain.t}.",
        "{passive.t} for {reason}.",
        "{passive.t}; {finding}.",
        "{passive.t} at {visit}.",
        "{finding}; {passive.t}.",
        "Plan: {order.t} for {reason}.",
        "{order.t}; {finding}.",
        "{finding}. {order.t} for {reason}.",
        "{s} reports {he} {plain.t} for {reason}.",
    ],
    dev: &[
        "Here for {visit}, {s} {plain.t}.",
        "For {reason}, {s} {plain.t}; {finding}.",
        "Per {source}, {passive.t}.",
        "{finding}, plan: {order.t}.",
    ],
    test: &[
        "For {reason} {s} {plain.t}.",
        "{visit}: {s} {plain.t}, {finding}.",
        "Per {source} {he} {plain.t} for {reason}.",
        "At {visit}, {passive.t}; {finding}.",
        "{finding}. Plan: {order.t}.",
        "{reason}: {order.t}, {finding}.",
    ],
};

const NEGATION: Frames = Frames {
    train: &[
        "{s} {negated.t}.",
        "{s} {negated.t}; {finding}.",
        "{finding}; {s} {negated.t}.",
        "At {visit} {s} {negated.t}.",
        "Per {source}, {s} {negated.t}.",
        "{s} reports {he} {negated.t}.",
        "{finding}. {S} {negated.t}.",
        "{negated_passive.t}.",
        "{negated_passive.t}; {finding}.",
        "{finding}; {negated_passive.t}.",
        "At {visit} {negated_passive.t}.",
        "{s} takes {drug} and {negated.t}.",
    ],
    dev: &[
        "Here for {visit}, {s} {negated.t}.",
        "For {reason}: {s} {negated.t}; {finding}.",
        "Per {source}, {negated_passive.t}.",
        "{s} {negated.t}, {finding}, {visit} today.",
    ],
    test: &[
        "{visit}: {s} {negated.t}, {finding}.",
        "Per {source} {he} {negated.t}.",
        "{reason}: {s} {negated.t}.",
        "At {visit}, {negated_passive.t}; {finding}.",
        "{finding}. Per {source}, {s} {negated.t}.",
        "{s}, here for {reason}, {negated.t}.",
    ],
};

const HISTORY: Frames = Frames {
    train: &[
        "{s} {past.p} but {present.t.it}.",
        "{s} {past.p} and {present.t.it}.",
        "{s} {past.p}; {he} {present.t.it}.",
        "{s} {present.t} but {past.p.it}.",
        "{s} {present.t}; {he} {past.p.it}.",
        "{S} {past.p}. {He} {present.t.it}.",
        "{S} {present.t}. {He} {past.p.it}.",
        "Per {source}, {s} {past.p} but {present.t.it}.",
        "{s} {past.p} for {reason}, {present.t.it}.",
        "At {visit} {s} {present.t}, {past.p.it}.",
        "{finding}; {s} {past.p} but {present.t.it}.",
        "{s} reports {he} {present.t} and {past.p.it}.",
        "Although {he} {past.p}, {s} {present.t.it}.",
        "{s} {past.p} for {reason}; {present.t.it}; {finding}.",
    ],
    dev: &[
        "{S} {past.p} for {reason}. {finding}; {he} {present.t.it}.",
        "Per {source} {he} {present.t}; {past.p.it}.",
        "Here for {visit}, {s} {past.p} and {present.t.it}.",
        "Although {s} {present.t}, {he} {past.p.it}.",
    ],
    test: &[
        "{visit}: {s} {past.p}, {present.t.it}.",
        "{reason}: {s} {present.t}, but {past.p.it}.",
        "{finding}. {S} {past.p}; {present.t.it}.",
        "{s} {past.p} per {source} but {present.t.it}.",
        "{s} {present.t} for {reason} although {he} {past.p.it}.",
        "At {visit}, {he} {past.p} and {present.t.it}; {finding}.",
    ],
};

const TWO: Frames = Frames {
    train: &[
        "{s} {plain.t} and {plain.o}.",
        "{s} {plain.o} and {plain.t}.",
        "{s} {plain.t} but {plain.o}.",
        "{s} {plain.o} but {plain.t}.",
        "{s} {plain.t}; {he} {plain.o}.",
        "{s} {plain.o}; {he} {plain.t}.",
        "{S} {plain.t}. {He} {plain.o}.",
        "{S} {plain.o}. {He} {plain.t}.",
        "Per {source}, {s} {plain.t} and {plain.o}.",
        "Per {source}, {s} {plain.o} and {plain.t}.",
        "{passive.t}; {passive.o}.",
        "{passive.o}; {passive.t}.",
        "{passive.t} and {passive.o} for {reason}.",
        "{passive.o} and {passive.t} for {reason}.",
        "Plan: {order.t}, {order.o}.",
        "Plan: {order.o}, {order.t}.",
        "{finding}; {s} {plain.t}, {plain.o}.",
        "{finding}; {s} {plain.o}, {plain.t}.",
        "{passive.t}, {s} {plain.o}.",
        "{s} {plain.o}, {passive.t}.",
    ],
    dev: &[
        "At {visit} {s} {plain.t}, and {plain.o}.",
        "At {visit} {s} {plain.o}, and {plain.t}.",
        "{passive.o}. {S} {plain.t}.",
        "{s} {plain.t}. {passive.o}.",
        "{finding}. {order.t}; {order.o}.",
        "{finding}. {order.o}; {order.t}.",
    ],
    test: &[
        "For {reason}, {s} {plain.t}; {plain.o}.",
        "For {reason}, {s} {plain.o}; {plain.t}.",
        "{visit}: {passive.t}, {passive.o}.",
        "{visit}: {passive.o}, {passive.t}.",
        "Although {s} {plain.t}, {he} {plain.o}.",
        "Although {s} {plain.o}, {he} {plain.t}.",
        "{order.t} and {order.o}; {finding}.",
        "{order.o} and {order.t}; {finding}.",
    ],
};

const HEDGES: Frames = Frames {
    train: &[
        "{s} {hedged.t} and {any.o}.",
        "{s} {any.o} and {hedged.t}.",
        "{s} {hedged.t}; {he} {any.o}.",
        "{s} {any.o}; {he} {hedged.t}.",
        "{S} {hedged.t}. {He} {any.o}.",
        "{S} {any.o}. {He} {hedged.t}.",
        "Per {source}, {s} {hedged.t} and {any.o}.",
        "Per {source}, {s} {any.o} and {hedged.t}.",
        "{s} {hedged.t}, {any.o}.",
        "{s} {any.o}, {hedged.t}.",
        "{finding}; {s} {hedged.t}, {any.o}.",
        "{finding}; {s} {any.o}, {hedged.t}.",
        "{s} {hedged.t}; {passive.o}.",
        "{passive.o}; {s} {hedged.t}.",
        "{s} {hedged.o} and {negated.t}.",
        "{s} {negated.t} and {hedged.o}.",
    ],
    dev: &[
        "At {visit} {s} {hedged.t}, and {any.o}.",
        "At {visit} {s} {any.o}, and {hedged.t}.",
        "{passive.o}. {S} {hedged.t}.",
        "{S} {hedged.t}. {passive.o}.",
    ],
    test: &[
        "For {reason}, {s} {hedged.t}; {any.o}.",
        "For {reason}, {s} {any.o}; {hedged.t}.",
        "Although {s} {hedged.t}, {he} {any.o}.",
        "Although {s} {any.o}, {he} {hedged.t}.",
        "{visit}: {s} {hedged.o}, {negated.t}.",
        "{visit}: {s} {negated.t}, {hedged.o}.",
    ],
};
