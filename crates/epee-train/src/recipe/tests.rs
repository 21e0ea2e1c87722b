#![allow(clippy::unwrap_used)]

use super::*;
use crate::TrainOptions;

#[test]
fn names_are_read_back_and_every_recipe_is_valid() {
    for name in RecipeName::ALL {
        assert_eq!(name.to_string().parse::<RecipeName>().unwrap(), name);
        assert_eq!(name.recipe().name, name);
        assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        TrainOptions { recipe: name, ..TrainOptions::default() }.check().unwrap();
    }
    assert!("papre".parse::<RecipeName>().unwrap_err().to_string().contains("expected one of paper, uniform"));
}

#[test]
fn what_each_step_counts() {
    let weights = |name: RecipeName, stage, step| name.recipe().objective(stage, step, 4).exit_weights;
    let (last, others) = (vec![0.0, 0.0, 0.0, 1.0], vec![1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
    assert_eq!(weights(RecipeName::Paper, Stage::Second, 7), [0.1, 0.2, 0.3, 0.4]);
    assert_eq!(weights(RecipeName::Mixed, Stage::First, 7), last);
    assert_eq!(weights(RecipeName::Mixed, Stage::Second, 7), [0.1, 0.2, 0.3, 0.4]);
    assert_eq!(weights(RecipeName::TwoStage, Stage::First, 7), last);
    assert_eq!(weights(RecipeName::TwoStage, Stage::Second, 7), others);
    assert_eq!(weights(RecipeName::Alternating, Stage::Second, 0), last);
    assert_eq!(weights(RecipeName::Alternating, Stage::Second, 1), others);
    assert_eq!(RecipeName::TwoStage.recipe().objective(Stage::Second, 0, 4).backbone, BackboneGradient::Frozen);
    assert_eq!(RecipeName::Balanced.recipe().objective(Stage::Second, 0, 4).backbone, BackboneGradient::Balanced);
    // A model of one exit has no others.
    assert_eq!(RecipeName::Alternating.recipe().objective(Stage::Second, 1, 1).exit_weights, [1.0]);
}

#[test]
fn what_each_parameter_learns_at() {
    let names = [
        "embeddings.word.weight",
        "layers.0.attention.query.weight",
        "layers.3.feed_forward.up.bias",
        "exits.poolers.0.dense.weight",
        "exits.classifiers.3.weight",
        "exits.classifiers.0.weight",
        "exits.score.weight",
    ];
    let shape = ModelShape { exits: 4, groups: 4, shared_pooler: true };
    let factors = |recipe: &Recipe, stage| names.map(|name| recipe.rate_factor(name, stage, shape));
    assert_eq!(factors(&RecipeName::Paper.recipe(), Stage::Second), [Some(1.0); 7]);
    assert_eq!(
        factors(&RecipeName::HeadRate.recipe(), Stage::Second),
        [1.0, 1.0, 1.0, 10.0, 10.0, 10.0, 10.0].map(Some)
    );
    let decayed = Recipe { layer_decay: 0.5, ..RecipeName::LayerDecay.recipe() };
    assert_eq!(factors(&decayed, Stage::Second), [0.0625, 0.125, 1.0, 1.0, 1.0, 1.0, 1.0].map(Some));
    let two = RecipeName::TwoStage.recipe();
    assert_eq!(factors(&two, Stage::First), [Some(1.0); 7]);
    assert_eq!(factors(&two, Stage::Second), [None, None, None, None, None, Some(1.0), Some(1.0)]);
    let own = |name: &str| two.rate_factor(name, Stage::Second, ModelShape { shared_pooler: false, ..shape });
    let poolers = [0, 1, 2, 3].map(|m| own(&format!("exits.poolers.{m}.dense.weight")));
    assert_eq!(poolers, [Some(1.0), Some(1.0), Some(1.0), None], "poolers of their own");
    assert_eq!(own("exits.norm.weight"), None);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let refused = |options: TrainOptions| options.check().unwrap_err().to_string();
    let of = |recipe| TrainOptions { recipe, ..TrainOptions::default() };
    let uniform = Some(ExitWeights::Uniform);
    let text = refused(TrainOptions { exit_weights: uniform, ..of(RecipeName::TwoStage) });
    assert_eq!(text, "exit_weights: expected none, got uniform with recipe two-stage, which has weights of its own");
    let text = refused(TrainOptions { first_stage: Some(0.5), ..of(RecipeName::Paper) });
    assert!(text.starts_with("first_stage: expected recipe two-stage or mixed beside it"), "{text}");
    let text = refused(TrainOptions { distill_temperature: Some(2.0), ..of(RecipeName::Paper) });
    assert!(text.starts_with("distill_temperature: expected a distill_weight above 0"), "{text}");
    let text = refused(TrainOptions { balance: Some(true), ..of(RecipeName::TwoStage) });
    assert!(text.starts_with("balance: expected false, got true with recipe two-stage"), "{text}");
    let text = refused(TrainOptions { epochs: 1, ..of(RecipeName::Mixed) });
    assert_eq!(text, "epochs: expected at least 2 with a recipe of two stages, one for each, got 1 with recipe mixed");
    for options in [
        TrainOptions { layer_decay: Some(0.0), ..of(RecipeName::Paper) },
        TrainOptions { head_rate: Some(f64::NAN), ..of(RecipeName::Paper) },
        TrainOptions { label_smoothing: Some(1.0), ..of(RecipeName::Paper) },
        TrainOptions { distill_weight: Some(1.5), ..of(RecipeName::Paper) },
        TrainOptions { first_stage: Some(1.0), ..of(RecipeName::Mixed) },
    ] {
        refused(options);
    }
    TrainOptions { exit_weights: uniform, distill_weight: Some(0.0), ..of(RecipeName::Distill) }.check().unwrap();
}

#[test]
fn the_first_stage_leaves_an_epoch_for_the_second() {
    let first = |share, epochs| Recipe { first_stage: share, ..RecipeName::Mixed.recipe() }.first_epochs(epochs);
    assert_eq!([2, 5, 9].map(|epochs| first(0.5, epochs)), [1, 3, 5]);
    assert_eq!((first(0.01, 4), first(0.99, 4)), (1, 3));
    assert_eq!(RecipeName::Paper.recipe().first_epochs(9), 0);
}
