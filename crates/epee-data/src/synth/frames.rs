//! The sentence frames, by grade and split. No frame of one split occurs in another.
//!
//! A slot is written in braces. `{plain.a}` is a phrase that says the target's status about the target, `{plain.o}` the
//! other supplement's; `.p` is the target's earlier status. `{plain.a.it}` says "it" where the supplement was named already.
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
        "{s} {plain.a} for {reason}.",
        "{s} {plain.a}.",
        "{s} {plain.a}; {finding}.",
        "{finding}; {s} {plain.a}.",
        "At {visit} {s} {plain.a}.",
        "Per {source}, {s} {plain.a}.",
        "{finding}. {S} {plain.a} for {reason}.",
        "{s} reports {he} {plain.a} for {reason}.",
        "{s} here for {visit}, {plain.a}.",
    ],
    dev: &[
        "Here for {visit}, {s} {plain.a}.",
        "For {reason}, {s} {plain.a}; {finding}.",
        "Per {source} {he} {plain.a}, {finding}.",
        "{s}, here for {reason}, {plain.a}.",
    ],
    test: &[
        "For {reason} {s} {plain.a}.",
        "{visit}: {s} {plain.a}, {finding}.",
        "Per {source} {he} {plain.a} for {reason}.",
        "{s}, here for {visit}, {plain.a}.",
        "At {visit}, {s} {plain.a}; {finding}.",
        "{reason}: {s} {plain.a}.",
    ],
};

const NEGATION: Frames = Frames {
    train: &[
        "{s} {negated.a}.",
        "{s} {negated.a}; {denial}.",
        "{denial}; {s} {negated.a}.",
        "{s} {negated.a}; {finding}.",
        "At {visit} {s} {negated.a}.",
        "Per {source}, {s} {negated.a}.",
        "{s} reports {he} {negated.a}.",
        "{finding}. {S} {negated.a}.",
        "Although on {drug}, {s} {negated.a}.",
        "{s} here for {visit}, {negated.a}.",
        "{s} {plain.a}; {denial}.",
        "{denial}; {s} {plain.a}.",
        "{denial}. {S} {plain.a}.",
        "{s} {plain.a}, {denial}.",
    ],
    dev: &[
        "Here for {visit}, {s} {negated.a}.",
        "For {reason}: {s} {negated.a}; {denial}.",
        "Per {source}, {he} {negated.a}, {finding}.",
        "At {visit} {s} {plain.a}, {denial}.",
        "Per {source}, {s} {plain.a}; {denial}.",
        "{reason}: {s} {negated.a}, {denial}.",
    ],
    test: &[
        "{visit}: {s} {negated.a}, {denial}.",
        "Per {source} {he} {negated.a}.",
        "{reason}: {s} {negated.a}.",
        "At {visit}, {s} {negated.a}; {finding}.",
        "{denial}. {S} {plain.a} for {reason}.",
        "At {visit} {s} {plain.a}; {denial}.",
    ],
};

const HISTORY: Frames = Frames {
    train: &[
        "{s} {past.p} but {present.a.it}.",
        "{s} {present.a} but {past.p.it}.",
        "{s} {past.p} and {present.a.it}.",
        "{s} {present.a} and {past.p.it}.",
        "{s} {past.p}, {present.a.it}.",
        "{s} {present.a}, {past.p.it}.",
        "{s} {past.p}; {he} {present.a.it}.",
        "{s} {present.a}; {he} {past.p.it}.",
        "{S} {past.p}. {He} {present.a.it}.",
        "{S} {present.a}. {He} {past.p.it}.",
        "Although {he} {past.p}, {s} {present.a.it}.",
        "Although {he} {present.a}, {s} {past.p.it}.",
        "Per {source}, {s} {past.p} and {present.a.it}.",
        "{finding}; {s} {present.a}, {past.p.it}.",
    ],
    dev: &[
        "{s} {past.p} but {present.a.it}; {finding}.",
        "{S} {present.a}. {S} {past.p.it}.",
        "Here for {visit}, {s} {past.p} and {present.a.it}.",
        "At {visit} {s} {present.a}, but {past.p.it}.",
        "{s} {past.p}; {present.a.it}; {finding}.",
        "Although {he} {past.p} for {reason}, {s} {present.a.it}.",
    ],
    test: &[
        "{s} {past.p}, but {present.a.it}.",
        "{s} {present.a} for {reason}, but {past.p.it}.",
        "{S} {past.p}. {S} {present.a.it}; {finding}.",
        "Although {s} {past.p}, {he} {present.a.it}.",
        "{s} {present.a} for {reason}; {past.p.it}.",
        "At {visit}, {he} {past.p} and {present.a.it}.",
    ],
};

const TWO: Frames = Frames {
    train: &[
        "{s} {plain.a} and {plain.b}.",
        "{s} {plain.a} but {plain.b}.",
        "{s} {plain.a}, {plain.b}.",
        "{s} {plain.a}; {plain.b}.",
        "{s} {plain.a}; {he} {plain.b}.",
        "{S} {plain.a}. {He} {plain.b}.",
        "{s} {plain.a} and {plain.b} for {reason}.",
        "{s} {plain.a} but {plain.b}; {finding}.",
        "Although {he} {plain.a}, {s} {plain.b}.",
        "Per {source}, {s} {plain.a} and {plain.b}.",
        "{finding}; {s} {plain.a}, {plain.b}.",
    ],
    dev: &[
        "{s} {plain.a}, and {plain.b}.",
        "{s} {plain.a}; {plain.b}; {finding}.",
        "{s} {plain.a} for {reason} but {plain.b}.",
        "{S} {plain.a}. {S} {plain.b}; {finding}.",
        "Although {s} {plain.a}, {he} {plain.b} for {reason}.",
        "Per {source} {he} {plain.a}; {plain.b}.",
    ],
    test: &[
        "{s} {plain.a}, but {plain.b}.",
        "{s} {plain.a}, {plain.b}; {finding}.",
        "{S} {plain.a}. {S} {plain.b} for {reason}.",
        "{s} {plain.a} for {reason}; {plain.b}.",
        "Although {s} {plain.a}, {he} {plain.b}; {finding}.",
        "Per {source} {he} {plain.a}, but {plain.b}.",
    ],
};

const HEDGES: Frames = Frames {
    train: &[
        "{s} {hedged.a} and {plain.b}.",
        "{s} {plain.a} and {hedged.b}.",
        "{s} {hedged.a} but {negated.b}.",
        "{s} {negated.a} but {hedged.b}.",
        "{s} {hedged.a}; {he} {negated.b}.",
        "{s} {negated.a}; {he} {hedged.b}.",
        "{s} {plain.a}, {hedged.b}.",
        "{s} {hedged.a}, {plain.b}.",
        "{s} {hedged.a} and {hedged.b}.",
        "{S} {hedged.a}. {He} {hedged.b}.",
        "Although {he} {hedged.a}, {s} {negated.b}.",
        "Although {he} {negated.a}, {s} {hedged.b}.",
        "Per {source}, {s} {negated.a} and {hedged.b}.",
        "{finding}; {s} {hedged.a}, {plain.b}.",
    ],
    dev: &[
        "{s} {hedged.a}, and {negated.b}.",
        "{s} {negated.a}; {hedged.b}; {finding}.",
        "{s} {plain.a} for {reason} but {hedged.b}.",
        "{S} {hedged.a}. {S} {plain.b}; {finding}.",
        "Although {s} {hedged.a}, {he} {negated.b} for {reason}.",
        "Per {source} {he} {plain.a}; {hedged.b}.",
    ],
    test: &[
        "{s} {hedged.a}, but {negated.b}.",
        "{s} {negated.a}, {hedged.b}; {finding}.",
        "{S} {plain.a}. {S} {hedged.b} for {reason}.",
        "{s} {hedged.a} for {reason}; {plain.b}.",
        "Although {s} {hedged.a}, {he} {negated.b}; {finding}.",
        "Per {source} {he} {plain.a}, but {hedged.b}.",
    ],
};
