//! The page is small, complete and the same bytes each time, and leaves out sections without content.

#![allow(clippy::unwrap_used)]

mod common;

use common::{parts, whole};
use epee_exit::Trace;
use epee_report::{
    Options, TraceReport, TrainingGrid, TrainingRun, figures, gather, html, max_points, training_figure,
};

#[test]
fn the_same_reports_give_the_same_small_page() {
    let page = html(&[whole()], None);
    assert_eq!(page, html(&[whole()], None));
    assert!(page.len() < 700_000, "{} bytes", page.len());
}

#[test]
fn a_page_of_six_large_traces_stays_below_two_megabytes() {
    let most = max_points(6);
    let reports: Vec<TraceReport> = (0..6)
        .map(|i| {
            gather(&Trace::new(parts(3000 + i, 12, 4)).unwrap(), &format!("trace-{i}"), &Options::new(most)).unwrap()
        })
        .collect();
    let page = html(&reports, None);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn nothing_on_the_page_points_outside_and_every_link_inside_arrives() {
    let page = html(&[whole(), TraceReport { name: "second".to_owned(), ..whole() }], None);
    assert!(page.contains("default-src 'none'"));
    for outside in ["src=", "url(", "@import", "href=\"http", "<base", "<form"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "an id occurs twice");
    let links: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() > 20);
    assert!(links.iter().all(|link| ids.contains(link)), "{links:?} {ids:?}");
}

#[test]
fn what_is_not_given_has_no_section() {
    let bare = TraceReport { name: "bare".to_owned(), ..TraceReport::default() };
    assert!(figures(&bare).is_empty());
    let page = html(&[bare], None);
    for absent in ["<figure", "Samples that leave last", "Model, data and run", "Can confidence"] {
        assert!(!page.contains(absent), "{absent}");
    }
    let full = html(&[whole()], None);
    for present in [
        "Samples that leave last",
        "Model, data and run",
        "Can confidence",
        "Risk against setting",
        "note/",
        "phee-dev.safetensors",
    ] {
        assert!(full.contains(present), "{present}");
    }
}

#[test]
fn texts_are_there_only_when_given() {
    let mut report = whole();
    assert!(!html(&[report.clone()], None).contains("<th>text</th>"));
    report.late.as_mut().unwrap().rows[0].text = Some("began zinc & stopped".to_owned());
    let page = html(&[report], None);
    assert!(page.contains("<th>text</th>") && page.contains("began zinc &amp; stopped"));
}

#[test]
fn a_training_grid_has_a_section_a_figure_and_its_table() {
    let run = |batch: usize, rate: &str, score: Option<f64>| TrainingRun {
        values: vec![batch.to_string(), rate.to_owned()],
        learning_rate: rate.parse().unwrap(),
        rate: rate.to_owned(),
        batch,
        epoch: score.map(|_| 3),
        score,
        macro_f1: vec![score, score],
        majority: score == Some(0.25),
        best: score == Some(0.75),
        remark: if score.is_none() { "failed: <script>".to_owned() } else { String::new() },
    };
    let runs = vec![
        run(16, "1e-5", Some(0.25)),
        run(16, "2e-5", Some(0.75)),
        run(32, "1e-5", Some(0.5)),
        run(32, "1e30", None),
    ];
    let keys = ["batch_size", "learning_rate"].map(str::to_owned).into();
    let (name, score, batches) = ("paper".to_owned(), "macro-F1".to_owned(), "batch tokens".to_owned());
    let grid = TrainingGrid { name, score, batches, keys, runs, ..Default::default() };
    let figure = training_figure(&grid).unwrap();
    assert_eq!((figure.tables[0].rows.len(), figure.tables[0].head[0].as_str()), (3, "batch tokens"));
    assert_eq!(figure.tables[0].rows[0], ["16", "1e-5", "0.2500", "no"]);
    let svg = figure.svg("paper");
    assert!(svg.contains(">2e-5</text>") && svg.contains("every exit predicts the majority class"), "{svg}");
    let page = html(&[whole()], Some(&grid));
    for present in
        ["id=\"training\"", "href=\"#training\"", "failed: &lt;script&gt;", "Training runs: paper", "<strong>0.7500"]
    {
        assert!(page.contains(present), "{present}");
    }
    assert!(!html(&[whole()], None).contains("id=\"training\""));
    let none = TrainingGrid { runs: vec![run(32, "1e30", None)], ..grid };
    assert_eq!(training_figure(&none), None);
    html(&[whole()], Some(&none));
}
