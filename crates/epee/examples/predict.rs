//! Answers texts with a model directory: `cargo run -p epee --example predict -- runs/notes "Stopped taking ginkgo."`
//!
//! Without arguments it trains a small model first, so that the example runs by itself.

mod shared;

use epee::Classifier;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let mut arguments = std::env::args().skip(1);
    let (model, texts) = match arguments.next() {
        Some(model) => (model.into(), arguments.collect()),
        None => {
            let (_, model, _) = shared::train(dir.path(), &mut ())?;
            (
                model,
                vec!["Patient is taking ginkgo 120 mg daily.".to_owned(), "He quit turmeric last month.".to_owned()],
            )
        }
    };

    let classifier = Classifier::load(model)?.with_policy("epee(threshold=0.3, patience=2)".parse()?)?;
    for warning in classifier.warnings() {
        eprintln!("warning: {warning}");
    }
    for answer in classifier.predict(texts)? {
        println!("{} ({:.2}) after layer {} of {}", answer.label, answer.probability, answer.exit, answer.exits);
        let sum: f32 = answer.probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "probabilities sum to 1, got {sum}");
    }
    Ok(())
}
