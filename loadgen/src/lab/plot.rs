//! Pictures as SVG, whole in themselves: no script, no font of others, readable on light and dark.

use super::figures::{Spread, number};
use std::fmt::Write;

/// A panel of horizontal bars that share one scale.
#[derive(Clone, PartialEq, Debug)]
pub struct Bars {
    /// What is shown, and in what unit.
    pub title: String,
    /// From the top.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// Who.
    pub label: String,
    /// How much; the ends are drawn as a line across the bar's end.
    pub spread: Spread,
    /// What colour.
    pub tone: Tone,
}

/// The colour of a bar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// The measure of the others.
    Base,
    /// What this is about.
    Own,
    /// The others.
    Peer,
}

/// A panel with a line through points, both axes logarithmic.
#[derive(Clone, PartialEq, Debug)]
pub struct Curve {
    /// What is shown, and in what unit.
    pub title: String,
    /// What grows, and how the cost does.
    pub along: String,
    /// Both above 0.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
const LABEL_WIDTH: f64 = 120.0;
/// Room to the right of the longest bar for its number.
const VALUE_WIDTH: f64 = 170.0;
const ROW: f64 = 24.0;
const TITLE: f64 = 34.0;
const PANEL_HEIGHT: f64 = 190.0;
const COLUMNS: usize = 2;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600}.n{fill:#59636e}\
.base{fill:#8c959f}.own{fill:#0969da}.peer{fill:#bc4c00}\
.w{stroke:#1f2328;stroke-width:1.5}.a{stroke:#d1d9e0}\
.l{fill:none;stroke:#0969da;stroke-width:2}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.n{fill:#9198a1}\
.base{fill:#656c76}.own{fill:#4493f8}.peer{fill:#f0883e}\
.w{stroke:#f0f6fc}.a{stroke:#3d444d}.l{stroke:#4493f8}}";

/// Panels of bars, one below the other.
#[must_use]
pub fn bars(title: &str, panels: &[Bars]) -> String {
    let mut body = String::new();
    let mut y = MARGIN;
    for panel in panels {
        text(&mut body, "t", (MARGIN, y + 14.0), &panel.title);
        y += TITLE;
        let most = panel.bars.iter().map(|bar| bar.spread.max).fold(0.0, f64::max);
        let scale =
            (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2.0 * MARGIN) / most.max(f64::MIN_POSITIVE);
        for bar in &panel.bars {
            draw(&mut body, bar, y, scale);
            y += ROW;
        }
        y += MARGIN;
    }
    whole(title, y, &body)
}

fn draw(body: &mut String, bar: &Bar, y: f64, scale: f64) {
    let class = match bar.tone {
        Tone::Base => "base",
        Tone::Own => "own",
        Tone::Peer => "peer",
    };
    let x = MARGIN + LABEL_WIDTH;
    let [width, min, max] =
        [bar.spread.median, bar.spread.min, bar.spread.max].map(|value| value * scale);
    text(body, "", (MARGIN, y + 13.0), &bar.label);
    let _ = writeln!(
        body,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"17\"/>"
    );
    line(body, "w", (x + min, y + 8.5), (x + max, y + 8.5));
    text(body, "n", (x + max.max(width) + 8.0, y + 13.0), &bar.spread.text());
}

/// Panels of curves, two in a row.
#[must_use]
pub fn curves(title: &str, panels: &[Curve]) -> String {
    let mut body = String::new();
    let width = (WIDTH - MARGIN) / 2.0;
    let shown: Vec<&Curve> = panels.iter().filter(|panel| panel.points.len() > 1).collect();
    let (mut left, mut top) = (MARGIN, MARGIN);
    for (index, panel) in shown.iter().enumerate() {
        plot(&mut body, panel, (left, top), width - MARGIN);
        let ends_row = index % COLUMNS == COLUMNS - 1 || index + 1 == shown.len();
        (left, top) = if ends_row { (MARGIN, top + PANEL_HEIGHT) } else { (left + width, top) };
    }
    whole(title, top, &body)
}

fn plot(body: &mut String, panel: &Curve, (left, top): (f64, f64), width: f64) {
    let logs = |of: fn(&(f64, f64)) -> f64| panel.points.iter().map(move |point| of(point).log10());
    let ends = |of: fn(&(f64, f64)) -> f64, least: f64| {
        let (low, high) = logs(of).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        // A cost that does not grow is a flat line, not a zigzag over the whole panel.
        let pad = ((least - (high - low)) / 2.0).max(0.0);
        (low - pad, high + pad)
    };
    let (along, up) = (ends(|p| p.0, 0.01), ends(|p| p.1, 1.0));
    let (x0, y0, height) = (left + 8.0, top + 132.0, 92.0);
    let place = |&(x, y): &(f64, f64)| {
        let share = |value: f64, (low, high): (f64, f64)| (value.log10() - low) / (high - low);
        (x0 + share(x, along) * (width - 70.0), y0 - share(y, up) * height)
    };
    text(body, "t", (left, top + 14.0), &panel.title);
    line(body, "a", (left, y0 + 8.0), (left + width - 16.0, y0 + 8.0));
    let places: Vec<(f64, f64)> = panel.points.iter().map(place).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(body, "<polyline class=\"l\" points=\"{}\"/>", path.join(" "));
    for (&(x, y), &(amount, cost)) in places.iter().zip(&panel.points) {
        let _ = writeln!(body, "<circle class=\"own\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>");
        text(body, "n", (x, y - 9.0), &number(cost));
        text(body, "n", (x - 4.0, y0 + 24.0), &short(amount));
    }
    text(body, "n", (left, y0 + 41.0), &panel.along);
}

/// `100`, `10 k`, `1 M`: amounts along an axis.
fn short(amount: f64) -> String {
    let (part, unit) = match amount {
        _ if amount >= 1e6 => (amount / 1e6, " M"),
        _ if amount >= 1e4 => (amount / 1e3, " k"),
        _ => (amount, ""),
    };
    let is_whole = (part - part.round()).abs() < f64::EPSILON * part;
    if is_whole { format!("{part:.0}{unit}") } else { number(part) + unit }
}

fn whole(title: &str, height: f64, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
         width=\"{WIDTH:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn text(body: &mut String, class: &str, (x, y): (f64, f64), text: &str) {
    let text = escaped(text);
    let _ = writeln!(body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}

fn line(body: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(
        body,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    /// Reads a picture as XML does; how often each element stands in it.
    fn elements(svg: &str, name: &str) -> usize {
        let mut reader = Reader::from_str(svg);
        reader.config_mut().check_end_names = true;
        let mut found = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(e) | Event::Empty(e) => {
                    for attribute in e.attributes() {
                        attribute.unwrap();
                    }
                    found += usize::from(e.name().as_ref() == name);
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn bars_are_well_formed_whatever_the_labels() {
        let spread = |median| Spread { median, min: median - 0.5, max: median + 1.0 };
        let bar = |label: &str, median, tone| Bar {
            label: label.to_owned(),
            spread: spread(median),
            tone,
        };
        let panel = Bars {
            title: "a < b & \"c\"".to_owned(),
            bars: vec![
                bar("bare", 6.0, Tone::Base),
                bar("<own>", 7.0, Tone::Own),
                bar("peer", 10.0, Tone::Peer),
            ],
        };
        let svg = bars("costs", &[panel.clone(), panel]);
        assert_eq!(elements(&svg, "rect"), 6);
        assert!(svg.contains("a &lt; b &amp;") && svg.contains("prefers-color-scheme"));
        assert_eq!(elements(&bars("nothing", &[]), "rect"), 0);
    }

    #[test]
    fn curves_lie_inside_their_picture() {
        let curve = |points: &[(f64, f64)]| Curve {
            title: "t".to_owned(),
            along: "devices".to_owned(),
            points: points.to_vec(),
        };
        let rising = curve(&[(1e4, 1.0), (1e5, 8.0), (1e6, 70.0), (1e7, 900.0)]);
        let flat = curve(&[(1.0, 5.0), (2.0, 5.0)]);
        let alone = curve(&[(1.0, 5.0)]);
        let svg = curves("growth", &[rising, flat.clone(), alone, flat]);
        assert_eq!((elements(&svg, "polyline"), elements(&svg, "circle")), (3, 8));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        for part in svg.split("cx=\"").skip(1) {
            let x: f64 = part.split('"').next().unwrap().parse().unwrap();
            assert!((0.0..WIDTH).contains(&x));
        }
    }

    #[test]
    fn amounts_are_short() {
        for (amount, wanted) in [
            (1.0, "1"),
            (100.0, "100"),
            (1e4, "10 k"),
            (1e6, "1 M"),
            (1e7, "10 M"),
            (1.5e6, "1.50 M"),
        ] {
            assert_eq!(short(amount), wanted);
        }
    }
}
