//! Every figure is well-formed XML, has the sweep's values in its table, draws an image that is not blank, and escapes text.

#![allow(clippy::unwrap_used)]

mod common;

use common::{EVIL, parts, trace, whole};
use epee_exit::{
    Goal, Grid, Metric, Policy, PolicyKind, Scoring, Trace, choose, full_depth, pareto, per_exit, replay, sweep,
};
use epee_report::{Figure, Options, ReportError, figures, gather, html};
use quick_xml::Reader;
use quick_xml::events::Event;

const ALL: [&str; 9] = [
    "fig1-saving",
    "fronts",
    "exit-histogram",
    "fig3-exits",
    "fig4-grid",
    "fig8-degeneracy",
    "risk-consistency",
    "risk-gap",
    "reliability",
];

fn find<'a>(figures: &'a [Figure], slug: &str) -> &'a Figure {
    figures.iter().find(|figure| figure.slug == slug).unwrap_or_else(|| panic!("no figure {slug}"))
}

/// Element names in order; fails if the XML is not well-formed.
fn elements(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut names = Vec::new();
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} in {xml:.400}")) {
            Event::Start(tag) | Event::Empty(tag) => {
                tag.attributes().for_each(|attribute| assert!(attribute.is_ok(), "{attribute:?}"));
                names.push(tag.name().as_ref().to_owned());
            }
            Event::Eof => return names,
            _ => {}
        }
    }
}

#[test]
fn every_figure_is_well_formed_and_has_a_table() {
    let report = whole();
    let figures = figures(&report);
    assert_eq!(figures.iter().map(|figure| figure.slug.as_str()).collect::<Vec<_>>(), ALL);
    for figure in &figures {
        let svg = figure.svg(&report.name);
        let names = elements(&svg);
        let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
        assert_eq!(count("svg"), 1, "{}", figure.slug);
        assert!(count("title") > 5, "{}: nothing to point at", figure.slug);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", figure.slug);
        assert!(!figure.tables.is_empty());
        for table in &figure.tables {
            assert!(!table.rows.is_empty(), "{}", figure.slug);
            assert!(table.rows.iter().all(|row| row.len() == table.head.len()), "{}", figure.slug);
        }
    }
}

#[test]
fn images_decode_and_are_not_blank() {
    let report = whole();
    for figure in figures(&report) {
        let png = figure.png(&report.name).unwrap();
        let image = tiny_skia::Pixmap::decode_png(&png).unwrap();
        let white = image.pixels().iter().filter(|dot| (dot.red(), dot.green(), dot.blue()) == (255, 255, 255)).count();
        let share = white as f64 / image.pixels().len() as f64;
        assert!((0.2..0.98).contains(&share), "{}: {share:.3} of the image is white", figure.slug);
        assert!(image.pixels().iter().all(|dot| dot.alpha() == 255), "{}: see-through", figure.slug);
        // The title is text: without a font its place would be empty.
        let dark = |dot: &&tiny_skia::PremultipliedColorU8| dot.red() < 120;
        let title = image.pixels().iter().take(image.width() as usize * 60).filter(dark).count();
        assert!(title > 200, "{}: no title, {title} dark dots", figure.slug);
    }
}

#[test]
fn tables_hold_the_sweeps_values() {
    let trace = trace();
    let report = gather(&trace, "t", &Options::new(150)).unwrap();
    let figures = figures(&report);
    let fine: Vec<Option<f64>> = (0..=100).map(|i| Some(f64::from(i) / 100.0)).collect();
    let grid = Grid { thresholds: Some(fine), ..Grid::standard(12, 4) };
    let rows = sweep(&trace, &grid.clone().with_kinds([PolicyKind::Entropy, PolicyKind::Patience])).unwrap();
    let saving = find(&figures, "fig1-saving");
    for (table, metric) in saving.tables.iter().zip([Metric::Accuracy, Metric::MacroF1]) {
        let mut seen = 0;
        for line in table.rows.iter().filter(|line| ["entropy", "patience"].contains(&line[0].as_str())) {
            let row = rows.iter().find(|row| row.policy.to_string() == line[1]).unwrap();
            assert_eq!(line[2..], [format!("{:.4}", row.saving), format!("{:.4}", row.get(metric))], "{}", line[1]);
            seen += 1;
        }
        assert!(seen > 60, "{seen}");
        let front = pareto(&sweep(&trace, &grid).unwrap(), metric);
        let drawn: Vec<&Vec<String>> = table.rows.iter().filter(|line| line[0] == "epee").collect();
        assert!(!drawn.is_empty() && drawn.len() <= 150);
        assert!(drawn.iter().all(|line| front.iter().any(|row| row.policy.to_string() == line[1])));
        assert_eq!(drawn[0][1], front[0].policy.to_string());
        assert_eq!(drawn.last().unwrap()[1], front.last().unwrap().policy.to_string());
    }
    let exits = &find(&figures, "fig3-exits").tables[0].rows;
    for (line, exit) in exits.iter().zip(per_exit(&trace)) {
        let want = [exit.accuracy, exit.macro_f1, exit.entropy].map(|value| format!("{value:.4}"));
        assert_eq!(line[1..], want);
    }
    let standard = sweep(&trace, &Grid::standard(12, 4)).unwrap();
    let heat = find(&figures, "fig4-grid");
    for row in &standard {
        let (threshold, patience) =
            (row.policy.threshold().and_then(epee_exit::Threshold::scalar), row.policy.rule.patience());
        let text = |table: usize| {
            let table = &heat.tables[table];
            let column = patience.map_or("never".to_owned(), |patience| patience.to_string());
            let at = table.head.iter().position(|name| *name == column).unwrap();
            let line = table.rows.iter().find(|line| line[0] == threshold.unwrap().to_string()).unwrap();
            line[at].clone()
        };
        assert_eq!(
            (text(0), text(1)),
            (format!("{:.4}", row.macro_f1), format!("{:.4}", row.saving)),
            "{}",
            row.policy
        );
    }
}

#[test]
fn the_choice_and_its_histogram_are_a_replays() {
    let trace = trace();
    let report = gather(&trace, "t", &Options::new(150)).unwrap();
    let choice = report.choice.unwrap();
    let policy: Policy = choice.setting.parse().unwrap();
    let replayed = replay(&policy.check(12, 4).unwrap(), &trace).unwrap();
    let metrics = replayed.metrics(&trace);
    assert_eq!((choice.saving, choice.value), (metrics.saving, metrics.macro_f1));
    let full = full_depth(&trace, &Scoring::default());
    assert!(choice.met && choice.full - choice.value <= 0.01 + 1e-12 && choice.full == full.macro_f1);
    let fine: Vec<Option<f64>> = (0..=100).map(|i| Some(f64::from(i) / 100.0)).collect();
    let rows = sweep(&trace, &Grid { thresholds: Some(fine), ..Grid::standard(12, 4) }).unwrap();
    let best = choose(&rows, &full, Goal::MaxLoss(0.01), Metric::MacroF1).unwrap();
    assert_eq!(best.policy, policy);
    assert_eq!(report.histogram.iter().map(|bin| bin.samples).collect::<Vec<_>>(), metrics.histogram);
    let late = report.late.unwrap();
    assert_eq!(late.samples as u64, metrics.histogram[late.exit - 1]);
    assert!(late.rows.len() <= 20 && late.rows.windows(2).all(|pair| pair[0].entropy >= pair[1].entropy));
}

#[test]
fn special_cases_lie_on_their_parents() {
    let report = gather(&trace(), "t", &Options::new(150)).unwrap();
    let cases = report.special_cases.clone().unwrap();
    assert_eq!(cases.pairs.iter().map(|pair| pair.parent.points.len()).collect::<Vec<_>>(), [101, 101, 13]);
    assert!(cases.pairs.iter().all(|pair| pair.largest_difference() == 0.0));
    let exact = find(&figures(&report), "fig8-degeneracy").caption.clone();
    assert!(exact.contains("All 215 settings lie exactly"), "{exact}");
    let mut broken = report;
    broken.special_cases.as_mut().unwrap().pairs[0].special.points[3].saving += 0.25;
    let caption = find(&figures(&broken), "fig8-degeneracy").caption.clone();
    assert!(caption.contains("Not exact") && caption.contains("2.5e-1"), "{caption}");
}

#[test]
fn foreign_text_is_escaped_everywhere() {
    let mut parts = parts(300, 6, 3);
    parts.provenance.label_names = vec![EVIL.into(), "a & b".into(), "\"c\"".into()];
    parts.ids = (0..300).map(|i| format!("{EVIL}{i}")).collect();
    parts.provenance.split = Some(EVIL.into());
    let mut report = gather(&Trace::new(parts).unwrap(), EVIL, &Options::new(150)).unwrap();
    report.notes.push(EVIL.into());
    for row in &mut report.late.as_mut().unwrap().rows {
        row.text = Some(format!("{EVIL}\u{0}\u{b}"));
    }
    report.fronts.as_mut().unwrap().curves[0].name = EVIL.into();
    report.fronts.as_mut().unwrap().metric = EVIL.into();
    let page = html(&[report.clone()], None);
    assert!(!page.contains("<script>alert"), "{}", &page[page.find("<script>alert").unwrap_or(0)..][..80]);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;0") || page.contains("&lt;script&gt;alert(1)"));
    assert!(page.matches("&lt;script&gt;").count() > 30);
    for figure in figures(&report) {
        let svg = figure.svg(EVIL);
        assert!(!elements(&svg).contains(&"script".to_owned()), "{}", figure.slug);
        figure.png(EVIL).unwrap();
    }
}

#[test]
fn without_labels_what_needs_them_is_left_out_and_said() {
    let mut parts = parts(200, 6, 3);
    parts.labels = vec![-1; 200];
    let report = gather(&Trace::new(parts).unwrap(), "t", &Options::new(150)).unwrap();
    let figures = figures(&report);
    assert_eq!(
        figures.iter().map(|figure| figure.slug.as_str()).collect::<Vec<_>>(),
        ["fig3-exits", "fig4-grid", "risk-consistency"]
    );
    assert_eq!(figures.iter().map(|figure| figure.panels.len()).collect::<Vec<_>>(), [1, 1, 1]);
    let page = html(&[report], None);
    assert!(page.contains("No sample of this trace has a label. Left out: quality against saving"));
    assert!(!page.contains("NaN"));
}

#[test]
fn what_no_policy_fits_is_an_error() {
    let mut parts = parts(5, 3, 1);
    parts.labels = vec![0; 5];
    let error = gather(&Trace::new(parts).unwrap(), "t", &Options::new(150)).unwrap_err();
    assert!(matches!(&error, ReportError::Replay(text) if text.contains("at least 2 classes")), "{error}");
}

#[test]
fn the_smallest_trace_is_drawn() {
    let report = gather(&Trace::new(parts(1, 1, 2)).unwrap(), "t", &Options::new(2)).unwrap();
    for figure in figures(&report) {
        elements(&figure.svg("t"));
        figure.png("t").unwrap();
    }
    html(&[report], None);
}
