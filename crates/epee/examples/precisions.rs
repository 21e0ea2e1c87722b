//! The cost of a precision on a trained model: answers, exits and logits beside f32's, also with outlier columns planted.
//!
//! Run: `cargo run --release -p epee --example precisions -- MODEL DATA [COLUMNS FACTOR]...`
//!
//! Each pair plants outliers: in that many columns of every layer's attention output, the weights are FACTOR (a power of two) times as
//! large and the values they multiply as much smaller, or the other way round if FACTOR is below 1. In f32 the logits stay the same
//! bits. Prints a Markdown table about the test split. The setting is the fastest at no more than one point of macro-F1 lost in f32.

use std::error::Error;
use std::path::Path;

use epee::exit::{Goal, Grid, Metric, PolicyKind, Scoring, TraceParts, choose_on, per_exit, replay};
use epee::model::{Engine, Model};
use epee::recording::{read_split, trace_labels};
use epee::{Classifier, Policy, Precision, Trace};
use epee_nn::Parameters;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, planted @ ..] = args.as_slice() else {
        return Err("expected MODEL DATA [COLUMNS FACTOR]...".into());
    };
    let classifier = Classifier::load(model)?;
    let examples = read_split(&epee::data::Dataset::open(Path::new(data))?, "test", None)?.examples;
    let sequences = classifier.encode(&examples)?.sequences;
    let labels = trace_labels(&examples);
    let trace = |model: &Model, precision: Precision| -> Result<Trace, Box<dyn Error>> {
        let engine = Engine::new(model, precision)?;
        let (exits, classes) = (engine.depth(), engine.classes());
        let logits = engine.record(&sequences, |_| ()).logits;
        Ok(Trace::new(TraceParts { exits, classes, logits, labels: labels.clone(), ..TraceParts::default() })?)
    };
    let original = classifier.model_dir().model()?;
    let exact = trace(&original, Precision::F32)?;
    let grid = Grid::standard(exact.exits(), exact.classes()).with_kinds([PolicyKind::Epee]);
    let policy = choose_on(&exact, &grid, &Scoring::default(), Goal::MaxLoss(0.01), Metric::MacroF1)?.policy;

    println!("{} samples, {policy}\n", exact.samples());
    println!(
        "| model | precision | class | same label, worst exit | last exit | relative error of logits | greatest | macro-F1 by exit \
         | at the setting | saving | same exit |"
    );
    println!("|---|---|---|--:|--:|--:|--:|---|--:|--:|--:|");
    print_rows("as trained", &exact, &policy, |precision| trace(&original, precision))?;
    for pair in planted.chunks_exact(2) {
        let (columns, factor) = (pair[0].parse()?, pair[1].parse()?);
        let mut model = original.clone();
        plant(&mut model, columns, factor);
        print_rows(&format!("{columns} columns × {factor}"), &exact, &policy, |precision| trace(&model, precision))?;
    }
    Ok(())
}

/// Multiplies columns of the attention's output weights, and divides the values that they multiply.
fn plant(model: &mut Model, columns: usize, factor: f32) {
    for (name, tensor) in model.parameters_mut() {
        let width = tensor.shape()[0];
        // Spread over the heads.
        let chosen = |c: usize| c % width.div_ceil(columns) == 5;
        let (is_value, is_output) = (name.contains("attention.value."), name.contains("attention.output.weight"));
        let cols = tensor.len() / width;
        for (i, x) in tensor.data_mut().iter_mut().enumerate() {
            match () {
                () if is_value && chosen(i / cols) => *x /= factor,
                () if is_output && chosen(i % cols) => *x *= factor,
                () => {}
            }
        }
    }
}

/// A row for each precision.
fn print_rows(
    name: &str,
    exact: &Trace,
    policy: &Policy,
    trace: impl Fn(Precision) -> Result<Trace, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let policy = policy.check(exact.exits(), exact.classes())?;
    let expected = replay(&policy, exact)?;
    for precision in Precision::ALL {
        let got = trace(precision)?;
        assert!(
            precision != Precision::F32 || got.logits() == exact.logits(),
            "planted columns changed what f32 computes"
        );
        let label = |trace: &Trace, i: usize, exit: usize| {
            let row = trace.row(i, exit);
            (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]))
        };
        let same = |exit: usize| {
            let same = (0..exact.samples()).filter(|&i| label(exact, i, exit) == label(&got, i, exit)).count();
            same as f64 / exact.samples() as f64
        };
        let worst = (1..=exact.exits()).map(same).fold(1.0, f64::min);
        let differences = || exact.logits().iter().zip(got.logits()).map(|(a, b)| f64::from(a - b));
        let size: f64 = exact.logits().iter().map(|&x| f64::from(x).powi(2)).sum();
        let relative = (differences().map(|x| x * x).sum::<f64>() / size).sqrt();
        let greatest = differences().fold(0.0, |most: f64, x| most.max(x.abs()));
        let f1: Vec<String> = per_exit(&got).iter().map(|exit| format!("{:.3}", exit.macro_f1)).collect();
        let answers = replay(&policy, &got)?;
        let metrics = answers.metrics(&got);
        let same_exit =
            answers.exits.iter().zip(&expected.exits).filter(|(a, b)| a == b).count() as f64 / exact.samples() as f64;
        println!(
            "| {name} | {precision} | {} | {worst:.4} | {:.4} | {relative:.5} | {greatest:.4} | {} | {:.3} | {:.3} | {same_exit:.4} |",
            precision.numeric_class(),
            same(exact.exits()),
            f1.join(" · "),
            metrics.macro_f1,
            metrics.saving,
        );
    }
    Ok(())
}
