//! The threads that work on one request.
//!
//! A forward pass has about a hundred parallel loops of a few microseconds each. Waking a sleeping thread for each loop costs more
//! than the loop. So [`in_pool`] calls the pool's threads once. Until the request ends they wait for loops ([`run`]) without
//! sleeping. A request uses the threads that are free: tasks are claimed one by one, and the calling thread could do all of them,
//! so it never waits for a thread that is busy elsewhere.
//!
//! Tasks write disjoint memory and share no sum, so results do not depend on which thread did what.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The body of a loop, called with the task's number.
type Body<'a> = dyn Fn(usize) + Sync + 'a;

/// The state shared by the calling thread and its helpers.
#[derive(Default)]
struct Request {
    /// Upper half: the number of the loop. Lower half: the number of unclaimed tasks.
    claims: AtomicU64,
    /// Finished tasks of this loop.
    done: AtomicUsize,
    /// The loop. Only a thread with a claim reads it. It is written only while there is no claim.
    body: UnsafeCell<Option<(*const Body<'static>, usize)>>,
    /// True when the request has ended.
    over: AtomicBool,
    /// The first panic of a task.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `body` is guarded by the protocol on `claims` and `done`, see `run_tasks`; the rest is `Sync`.
unsafe impl Sync for Request {}
// SAFETY: as above; what `body` points to is read only while the thread that set it waits for the reader.
unsafe impl Send for Request {}

thread_local! {
    /// The request that this thread runs; null outside a request and inside a task.
    static REQUEST: Cell<*const Request> = const { Cell::new(ptr::null()) };
    /// True if this thread runs a request or helps in one.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// How often a waiting thread checks before it yields the core.
const SPINS: u32 = 1 << 10;

fn wait(spins: &mut u32) {
    *spins += 1;
    if *spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
}

const TASKS: u64 = 0xffff_ffff;

impl Request {
    /// Claims a task and runs it. Returns false if none is left.
    fn run_one(&self) -> bool {
        let mut claims = self.claims.load(Ordering::Relaxed);
        loop {
            if claims & TASKS == 0 {
                return false;
            }
            match self.claims.compare_exchange_weak(claims, claims - 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => claims = now,
            }
        }
        // SAFETY: the claim is on the current loop, which cannot end before this task is counted as done: `body` is not
        // written meanwhile, and what it points to lives on the stack of the thread that waits for `done`.
        let ran = catch_unwind(AssertUnwindSafe(|| unsafe {
            if let Some((body, tasks)) = *self.body.get() {
                (*body)(tasks - (claims & TASKS) as usize);
            }
        }));
        if let Err(problem) = ran
            && let Ok(mut first) = self.panic.lock()
        {
            first.get_or_insert(problem);
        }
        self.done.fetch_add(1, Ordering::Release);
        true
    }

    fn run_tasks(&self, tasks: usize, body: &Body<'_>) {
        let number = self.claims.load(Ordering::Relaxed) >> 32;
        self.done.store(0, Ordering::Relaxed);
        // SAFETY: all tasks of the last loop are done and no claim is held, so nobody reads `body`. The lifetime is
        // only forgotten until this function returns, which is after the last task.
        unsafe {
            let body: *const Body<'_> = body;
            *self.body.get() = Some((std::mem::transmute::<*const Body<'_>, *const Body<'static>>(body), tasks));
        }
        self.claims.store((number + 1) << 32 | tasks as u64, Ordering::Release);
        REQUEST.set(ptr::null());
        while self.run_one() {}
        let mut spins = 0;
        while self.done.load(Ordering::Acquire) < tasks {
            wait(&mut spins);
        }
        REQUEST.set(self);
        let problem = self.panic.lock().ok().and_then(|mut first| first.take());
        if let Some(problem) = problem {
            resume_unwind(problem);
        }
    }

    fn help(&self) {
        // A thread that runs its own request can pick up this job while it waits for something else.
        if BUSY.replace(true) {
            return;
        }
        let mut spins = 0;
        while !self.over.load(Ordering::Acquire) {
            if self.run_one() {
                spins = 0;
            } else {
                wait(&mut spins);
            }
        }
        BUSY.set(false);
    }
}

/// Ends a request when dropped, also after a panic.
struct EndOnDrop<'a>(&'a Request);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        REQUEST.set(ptr::null());
        BUSY.set(false);
        self.0.over.store(true, Ordering::Release);
    }
}

/// Runs `f`, and lets its parallel loops use the threads of the current rayon pool.
///
/// Inside another `in_pool`, or in a pool of one thread, it just calls `f`. `f` must not wait for other work of the pool, because
/// the pool's threads help `f` until it ends.
///
/// ```
/// assert_eq!(epee_nn::in_pool(|| 1 + 1), 2);
/// ```
pub fn in_pool<R>(f: impl FnOnce() -> R) -> R {
    let threads = rayon::current_num_threads();
    if threads == 1 || BUSY.get() {
        return f();
    }
    // Helpers share ownership, so that the request does not wait for late helpers.
    let request = Arc::new(Request::default());
    for _ in 1..threads {
        let request = Arc::clone(&request);
        rayon::spawn(move || request.help());
    }
    let _end = EndOnDrop(&request);
    REQUEST.set(&*request);
    BUSY.set(true);
    f()
}

/// The number of threads that a parallel loop can use here.
pub(crate) fn threads() -> usize {
    if REQUEST.get().is_null() { 1 } else { rayon::current_num_threads() }
}

/// Calls `body(i)` for every i below `tasks`, on all threads of the request. Outside a request: one after the other.
pub(crate) fn run(tasks: usize, body: impl Fn(usize) + Sync) {
    let request = REQUEST.get();
    if request.is_null() || tasks < 2 {
        (0..tasks).for_each(body);
        return;
    }
    // SAFETY: `in_pool` set the pointer on this thread and takes it back before the request is dropped.
    unsafe { &*request }.run_tasks(tasks, &body);
}

/// A pointer shared by tasks. Each task accesses its own part of the data.
pub(crate) struct Shared<T>(*mut T);
// Not derived, because a derive would require `T: Copy`.
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}
// SAFETY: tasks touch disjoint elements behind the pointer: each dereference explains why.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above; the pointee outlives the parallel loop that uses it.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(data: &mut [T]) -> Shared<T> {
        Shared(data.as_mut_ptr())
    }
    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}

/// Calls `f(i, chunk)` for every chunk of `size` values (the last may be shorter).
pub(crate) fn chunks<T: Send>(x: &mut [T], size: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let n = x.len();
    let shared = Shared::new(x);
    run(n.div_ceil(size), |i| {
        let first = i * size;
        // SAFETY: chunk i lies inside x, and no other task has it.
        f(i, unsafe { std::slice::from_raw_parts_mut(shared.get().add(first), size.min(n - first)) });
    });
}

/// Calls `f(first row, blocks)` for blocks of `size` rows of several matrices. Each matrix comes with its number of columns.
pub(crate) fn row_blocks<T: Send, const N: usize>(
    matrices: [(&mut [T], usize); N],
    size: usize,
    f: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    let n = matrices.first().map_or(0, |(x, cols)| x.len() / cols);
    assert!(matrices.iter().all(|(x, cols)| x.len() == n * cols), "rows of the matrices");
    let shared = matrices.map(|(x, cols)| (Shared::new(x), cols));
    run(n.div_ceil(size), |i| {
        let (first, rows) = (i * size, size.min(n - i * size));
        // SAFETY: these rows lie inside each matrix, and no other task has them.
        let block = |(x, cols): (Shared<T>, usize)| unsafe {
            std::slice::from_raw_parts_mut(x.get().add(first * cols), rows * cols)
        };
        f(first, shared.map(block));
    });
}

/// Some rows and adjacent columns of a row-major matrix, for exclusive access.
pub(crate) struct Block<'a, T> {
    /// The first row's first value.
    pub(crate) first: Shared<T>,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// From one row to the next.
    pub(crate) stride: usize,
    matrix: std::marker::PhantomData<&'a mut T>,
}

impl<'a, T> Block<'a, T> {
    pub(crate) fn whole(x: &'a mut [T], cols: usize) -> Block<'a, T> {
        let rows = x.len() / cols.max(1);
        Block { first: Shared::new(x), rows, cols, stride: cols, matrix: std::marker::PhantomData }
    }
}

/// Cuts matrices of `cols` columns into blocks: rows at each matrix's offsets, columns into `heads` equal parts. Block (i, j) goes to
/// task `i · heads + j`, together with a piece of `pieces`, which is cut at its ends.
pub(crate) fn heads_of<T: Send, const N: usize>(
    (pieces, ends): (&mut [T], &[usize]),
    matrices: [(&mut [T], &[usize]); N],
    (cols, heads): (usize, usize),
    f: impl Fn(usize, &mut [T], [Block<'_, T>; N]) + Sync,
) {
    assert!(heads > 0 && cols.is_multiple_of(heads), "{heads} heads of {cols} columns");
    for (x, offsets) in &matrices {
        assert!(heads * (offsets.len() - 1) == ends.len() && offsets.is_sorted(), "offsets of the blocks");
        assert!(offsets.last().is_none_or(|&end| end * cols <= x.len()), "rows of the blocks");
    }
    assert!(ends.is_sorted() && ends.last().is_none_or(|&end| end <= pieces.len()), "ends of pieces");
    let (width, pieces) = (cols / heads, Shared::new(pieces));
    let shared = matrices.map(|(x, offsets)| (Shared::new(x), offsets));
    run(ends.len(), |task| {
        let first = if task == 0 { 0 } else { ends[task - 1] };
        // SAFETY: pieces are in order, inside their buffer, and no other task has this one.
        let piece = unsafe { std::slice::from_raw_parts_mut(pieces.get().add(first), ends[task] - first) };
        let (i, j) = (task / heads, task % heads);
        let block = |(x, offsets): (Shared<T>, &[usize])| Block {
            // SAFETY: row `offsets[i]` begins inside the matrix, or is empty and at its end.
            first: Shared(unsafe {
                x.get().add(offsets[i] * cols + if offsets[i] < offsets[i + 1] { j * width } else { 0 })
            }),
            rows: offsets[i + 1] - offsets[i],
            cols: width,
            stride: cols,
            matrix: std::marker::PhantomData,
        };
        f(task, piece, shared.map(block));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::pool;

    #[test]
    fn every_task_runs_once_in_many_short_loops() {
        for threads in [1, 2, 5] {
            let counts: Vec<AtomicUsize> = (0..97).map(|_| AtomicUsize::new(0)).collect();
            pool(threads).install(|| {
                in_pool(|| {
                    for round in 0..500 {
                        run(round % 98, |i| {
                            counts[i].fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            });
            for (i, count) in counts.iter().enumerate() {
                let expected = (0..500).filter(|round| round % 98 > i).count();
                assert_eq!(count.load(Ordering::Relaxed), expected, "task {i}, {threads} threads");
            }
        }
    }

    #[test]
    fn a_loop_inside_a_task_runs_on_its_thread() {
        let sum = AtomicUsize::new(0);
        pool(3).install(|| in_pool(|| run(10, |_| run(10, |j| _ = sum.fetch_add(j, Ordering::Relaxed)))));
        assert_eq!(sum.into_inner(), 450);
    }

    #[test]
    fn requests_from_many_threads_share_the_pool() {
        let pool = pool(2);
        std::thread::scope(|scope| {
            for t in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for _ in 0..50 {
                        let mut x = vec![0usize; 1000];
                        pool.install(|| in_pool(|| chunks(&mut x, 10, |i, chunk| chunk.fill(i + t))));
                        assert!(x.iter().enumerate().all(|(i, &x)| x == i / 10 + t));
                    }
                });
            }
        });
    }

    #[test]
    fn a_request_waits_for_no_other() {
        // More requests than threads, all open until the last request has run.
        let holders = rayon::current_num_threads() + 2;
        let (open, opened) = std::sync::mpsc::channel();
        let close = std::sync::Barrier::new(holders + 1);
        std::thread::scope(|scope| {
            for _ in 0..holders {
                let (open, close) = (open.clone(), &close);
                scope.spawn(move || {
                    in_pool(|| {
                        run(3, |_| ());
                        open.send(()).unwrap();
                        close.wait();
                    });
                });
            }
            (0..holders).for_each(|_| opened.recv().unwrap());
            let (done, through) = std::sync::mpsc::channel();
            scope.spawn(move || {
                in_pool(|| run(10, |_| ()));
                done.send(())
            });
            // The holders wait for `close`. If the new request waited for them, this would never return.
            through.recv().unwrap();
            close.wait();
        });
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller_and_the_pool_goes_on() {
        let pool = pool(3);
        let failed = catch_unwind(AssertUnwindSafe(|| {
            pool.install(|| in_pool(|| run(100, |i| assert!(i != 57, "task {i}"))));
        }));
        let message = *failed.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(message, "task 57");
        let mut x = [0; 10];
        let ends = [3, 3, 10];
        pool.install(|| in_pool(|| heads_of((&mut x, &ends), [], (0, 1), |i, piece, []| piece.fill(i))));
        assert_eq!(x, [0, 0, 0, 2, 2, 2, 2, 2, 2, 2]);
    }
}
