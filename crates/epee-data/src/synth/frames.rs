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
        "{passive.a} for {reason}.",
        "{passive.a}; {finding}.",
        "At {visit} {passive.a}.",
        "{finding}; {passive.a}.",
    ],
    dev: &[
        "Here for {visit}, {s} {plain.a}.",
        "For {reason}, {s} {plain.a}; {finding}.",
        "Per {source}, {passive.a}.",
        "{finding}, {passive.a} for {reason}.",
    ],
    test: &[
        "For {reason} {s} {plain.a}.",
        "{visit}: {s} {plain.a}, {finding}.",
        "Per {source} {he} {plain.a} for {reason}.",
        "{s}, here for {visit}, {plain.a}.",
        "At {visit}, {passive.a}; {finding}.",
        "{reason}: {passive.a}.",
    ],
};

const NEGATION: Frames = Frames {
    train: &[
        "{s} {negated.a}.",
        "{s} {negated.a}; {finding}.",
        "{finding}; {s} {negated.a}.",
        "At {visit} {s} {negated.a}.",
        "Per {source}, {s} {negated.a}.",
        "{s} reports {he} {negated.a}.",
        "{finding}. {S} {negated.a}.",
        "Although on {drug}, {s} {negated.a}.",
        "{s} here for {visit}, {negated.a}.",
    ],
    dev: &[
        "Here for {visit}, {s} {negated.a}.",
        "For {reason}: {s} {negated.a}; {finding}.",
        "Per {source}, {he} {negated.a}, {finding}.",
        "{s} {negated.a}, here for {visit}.",
    ],
    test: &[
        "{visit}: {s} {negated.a}, {finding}.",
        "Per {source} {he} {negated.a}.",
        "{reason}: {s} {negated.a}.",
        "At {visit}, {s} {negated.a}; {finding}.",
        "{finding}. Per {source}, {s} {negated.a}.",
        "{s}, here for {reason}, {negated.a}.",
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
        "Per {source}, {s} {past.p} but {present.a.it}.",
        "Per {source}, {s} {present.a} but {past.p.it}.",
        "{finding}; {s} {past.p}, {present.a.it}.",
        "{finding}; {s} {present.a}, {past.p.it}.",
        "Although {he} {past.p}, {s} {present.a.it}.",
        "Although {he} {present.a}, {s} {past.p.it}.",
    ],
    dev: &[
        "{S} {past.p}. {finding}; {he} {present.a.it}.",
        "Per {source} {he} {present.a}; {past.p.it}.",
        "Here for {visit}, {s} {past.p} and {present.a.it}.",
        "At {visit} {s} {present.a}, but {past.p.it}.",
    ],
    test: &[
        "{visit}: {s} {past.p}, {present.a.it}.",
        "{reason}: {s} {present.a}, but {past.p.it}.",
        "{finding}. {S} {past.p}; {present.a.it}.",
        "{s} {past.p} per {source} but {present.a.it}.",
        "{s} {present.a} for {reason} although {he} {past.p.it}.",
        "At {visit}, {he} {past.p} and {present.a.it}; {finding}.",
    ],
};

const TWO: Frames = Frames {
    train: &[
        "{s} {plain.a} and {plain.b}.",
        "{s} {plain.a} but {plain.b}.",
        "{s} {plain.a}, {plain.b}.",
        "{s} {plain.a}; {he} {plain.b}.",
        "{S} {plain.a}. {He} {plain.b}.",
        "Per {source}, {s} {plain.a} and {plain.b}.",
        "At {visit} {s} {plain.a} but {plain.b}.",
        "{finding}; {s} {plain.a}, {plain.b}.",
        "{finding}. {S} {plain.a} and {plain.b}.",
        "{s} {plain.a} and {plain.b} for {reason}.",
        "{s} {plain.a}; {plain.b}; {finding}.",
        "Although {he} {plain.a}, {s} {plain.b}.",
    ],
    dev: &[
        "At {visit} {s} {plain.a}, and {plain.b}.",
        "Here for {visit}, {s} {plain.a}; {plain.b}.",
        "{s} {plain.a} for {reason} but {plain.b}.",
        "{S} {plain.a}. {finding}. {S} {plain.b}.",
    ],
    test: &[
        "For {reason}, {s} {plain.a}; {plain.b}.",
        "{visit}: {s} {plain.a}, {plain.b}.",
        "Although {s} {plain.a}, {he} {plain.b}; {finding}.",
        "{S} {plain.a} for {reason}. {He} {plain.b}.",
        "Per {source} {he} {plain.a}, but {plain.b}.",
        "{reason}: {s} {plain.a}. {S} {plain.b}.",
    ],
};

const HEDGES: Frames = Frames {
    train: &[
        "{s} {hedged.a} and {plain.b}.",
        "{s} {plain.a} and {hedged.b}.",
        "{s} {hedged.a} but {plain.b}.",
        "{s} {plain.a} but {hedged.b}.",
        "{s} {hedged.a}; {he} {plain.b}.",
        "{s} {plain.a}; {he} {hedged.b}.",
        "{S} {hedged.a}. {He} {hedged.b}.",
        "{s} {hedged.a} and {hedged.b}.",
        "Per {source}, {s} {hedged.a} and {hedged.b}.",
        "Per {source}, {s} {plain.a} and {hedged.b}.",
        "{finding}; {s} {hedged.a}, {plain.b}.",
        "{finding}; {s} {hedged.a}, {hedged.b}.",
        "At {visit} {s} {hedged.a} but {plain.b}.",
        "Although {he} {hedged.a}, {s} {hedged.b}.",
    ],
    dev: &[
        "At {visit} {s} {hedged.a}, and {hedged.b}.",
        "Here for {visit}, {s} {plain.a}; {hedged.b}.",
        "{S} {hedged.a}. {finding}. {S} {plain.b}.",
        "{s} {hedged.a} for {reason} but {hedged.b}.",
    ],
    test: &[
        "For {reason}, {s} {hedged.a}; {hedged.b}.",
        "{visit}: {s} {plain.a}, {hedged.b}.",
        "Although {s} {hedged.a}, {he} {plain.b}; {finding}.",
        "Per {source} {he} {hedged.a}, but {hedged.b}.",
        "{reason}: {s} {hedged.a}. {S} {plain.b}.",
        "At {visit}, {he} {plain.a} and {hedged.b}; {finding}.",
    ],
};
