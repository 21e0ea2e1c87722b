//! A session allocates nothing once it has seen the largest batch.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use epee_model::{Batch, Engine, ExitConfig, ExitRowFirst, Model, Session};
use epee_nn::{Precision, in_pool};

/// Counts the allocations of the system's allocator.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs all layers. One sample leaves after each.
fn run(session: &mut Session<'_>, batch: &Batch) {
    // Of three samples the second leaves, of two the first. The last one stays.
    const KEEP: [&[bool]; 4] = [&[], &[true], &[false, true], &[true, false, true]];
    session.start(batch);
    while session.advance(true) {
        let running = session.samples().len();
        session.keep(KEEP[running]);
    }
}

// One test only in this file: the counter is the process's.
#[test]
fn nothing_is_allocated_after_the_first_batches() {
    let config = common::config(&serde_json::json!({
        "model_type": "bert", "vocab_size": 60, "hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 3,
        "intermediate_size": 200, "max_position_embeddings": 80,
    }));
    let model: Model = Model::new(&config, ExitConfig { score: true, ..ExitConfig::of(&config, 3) }, 7);
    let sequence = |length: usize| common::text((0..length).map(|t| (t % 60) as u32), vec![0; length]);
    let batch = |lengths: [usize; 3]| Batch::new(&lengths.map(sequence));
    let (large, others) = (batch([70, 80, 75]), [batch([5, 80, 1]), batch([30, 2, 9])]);
    for threads in [1, 2] {
        common::pool(threads).install(|| {
            for precision in Precision::ALL {
                let engine = Engine::new(&model, precision).unwrap();
                for first in [ExitRowFirst::Auto, ExitRowFirst::Always, ExitRowFirst::Never] {
                    let mut session = Session::new(&engine).exit_row_first(first);
                    in_pool(|| {
                        // The buffers of a helper thread grow with the attention heads that it takes, and on a busy machine it may
                        // take none for long. So one of many stretches must be free of allocations.
                        let mut stretches = (0..50).map(|_| {
                            for _ in 0..40 {
                                run(&mut session, &large);
                            }
                            let before = ALLOCATIONS.load(Ordering::Relaxed);
                            for batch in others.iter().cycle().take(20) {
                                run(&mut session, batch);
                            }
                            ALLOCATIONS.load(Ordering::Relaxed) - before
                        });
                        assert!(
                            stretches.any(|allocations| allocations == 0),
                            "{precision}, {first:?}, {threads} threads"
                        );
                    });
                }
            }
        });
    }
}
