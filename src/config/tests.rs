//! Tables of bad configurations: every problem with its line and remedy.

use super::*;

const GOOD: &str = r#"
[station]
site = "depok"
id = "line-1"
exception_lane = "rest"

[camera]
driver = "replay"
path = "pictures"

[trigger]
kind = "photo-eye"
input = "eye"

[belt]
speed_mm_s = 300
view_start_mm = 0
view_end_mm = 200
end_mm = 2000

[infer]
model = "digits"

[[input]]
name = "eye"
line = "GPIO17"

[[actuator]]
name = "kick"
kind = "pulse"
line = "GPIO23"
position_mm = 800

[[lane]]
name = "zero"
classes = ["0"]
moves = [{ actuator = "kick" }]

[[lane]]
name = "rest"
"#;

fn problems(text: &str) -> Vec<String> {
    match Config::parse(Path::new("f.toml"), text, std::iter::empty()) {
        Ok(_) => Vec::new(),
        Err(bad) => bad.to_string().lines().map(str::to_owned).collect(),
    }
}

/// Whether one of the text's problems holds the words; `""` stands for a text without any.
fn tells(text: &str, wanted: &str) {
    let found = problems(text);
    match wanted {
        "" => assert_eq!(found, [""; 0], "{text}"),
        _ => assert!(found.iter().any(|line| line.contains(wanted)), "wanted\n{wanted}\nfound\n{}", found.join("\n")),
    }
}

#[test]
fn a_good_configuration_is_silent() {
    assert_eq!(problems(GOOD), [""; 0]);
}

#[test]
fn misspelt_keys_and_words_hide_no_other_mistake() {
    let text = GOOD
        .replace("position_mm = 800", "postion_mm = 2500")
        .replace("kind = \"pulse\"", "kind = \"plse\"")
        .replace("speed_mm_s = 300", "speed_mm_s = 300\ntolerance_mm = \"wide\"")
        .replace("line = \"GPIO17\"", "line = \"GPIO23\"");
    let all = problems(&text);
    for wanted in
        ["did you mean position_mm?", "did you mean pulse?", "belt.tolerance_mm: ", "GPIO23", "2500 mm is past the end"]
    {
        assert!(all.iter().any(|line| line.contains(wanted)), "{wanted}: {all:#?}");
    }
}

#[test]
fn what_is_missing_hides_no_other_mistake_and_makes_up_none() {
    let text = GOOD
        .replace("end_mm = 2000\n", "")
        .replace("view_end_mm = 200", "view_end_mm = -5")
        .replace("name = \"eye\"\n", "")
        .replace("site = \"depok\"\n", "")
        .replace("GPIO17", "GPIO23")
        .replace("classes = [\"0\"]\n", "");
    let all = problems(&text);
    for wanted in [
        "station.site: is missing",
        "belt.end_mm: is missing",
        "belt.view_end_mm: ",
        "input[0].name: is missing",
        "GPIO23 is used by input[0]",
        "nothing is bound to lane \"zero\"",
    ] {
        assert!(all.iter().any(|line| line.contains(wanted)), "{wanted}: {all:#?}");
    }
    assert_eq!(all.len(), 7, "{all:#?}");
    let all = problems("");
    for wanted in ["add [station] (who this is)", "add [[lane]] (where items can end)"] {
        assert!(all.iter().any(|line| line.contains(wanted)), "{wanted}: {all:#?}");
    }
}

#[test]
fn a_misspelt_exception_lane_is_not_told_to_be_removed() {
    let found = problems(&GOOD.replace("exception_lane = \"rest\"", "exception_lane = \"rset\""));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("there is no lane \"rset\""), "{found:#?}");
}

#[test]
fn each_mistake_gets_its_line_and_remedy() {
    for (from, to, wanted) in [
        ("site =", "sit =", "f.toml:3: station.sit: no such key; did you mean site?"),
        (
            "speed_mm_s = 300",
            "speed_mm_s = \"300 mm/s\"",
            "f.toml:16: belt.speed_mm_s: \"300 mm/s\" is not a number without a unit; give a number without a unit",
        ),
        (
            "speed_mm_s = 300",
            "speed_mm_s = 0.3",
            "f.toml:16: belt.speed_mm_s: 0.3 is out of range; give a number from 1 to 5000",
        ),
        (
            "GPIO23",
            "GPIO17",
            "f.toml:31: actuator[0].line: GPIO17 is used by input[0] already; give each input and actuator its own line (and each its chip, where two chips have a line of that name); lanes may share an actuator by its name",
        ),
        (
            "position_mm = 800",
            "position_mm = -5",
            "f.toml:32: actuator[0].position_mm: -5 is out of range; give a number from 0 to 50000",
        ),
        (
            "position_mm = 800",
            "position_mm = 0",
            "f.toml:32: actuator[0].position_mm: 0 mm is before the camera has seen the item; it must lie behind the first view of the whole item, and the coil's lead: past 62 mm",
        ),
        (
            "position_mm = 800",
            "position_mm = 2500",
            "f.toml:32: actuator[0].position_mm: 2500 mm is past the end of the belt at 2000 mm; measure both from the trigger",
        ),
        (
            "classes = [\"0\"]",
            "",
            "f.toml:34: lane[0].classes: nothing is bound to lane \"zero\"; bind classes, regions, provinces, regencies or postal_prefixes to it, or remove it",
        ),
        (
            "actuator = \"kick\"",
            "actuator = \"kik\"",
            "f.toml:37: lane[0].moves[0].actuator: there is no actuator \"kik\"; name one of kick",
        ),
        (
            "input = \"eye\"",
            "input = \"eyes\"",
            "f.toml:13: trigger.input: there is no input \"eyes\"; name one of eye",
        ),
        (
            "exception_lane = \"rest\"",
            "exception_lane = \"zero\"",
            "f.toml:5: station.exception_lane: lane \"zero\" needs moves, but items end there when nothing moves; take the lane at the end of the belt, or remove its moves",
        ),
        (
            "id = \"line-1\"",
            "id = \"Line 1/#\"",
            "f.toml:4: station.id: \"Line 1/#\" cannot stand in a topic; use 1 to 64 lower-case letters, digits and hyphens",
        ),
    ] {
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line == wanted), "{to}: wanted\n{wanted}\nfound\n{}", found.join("\n"));
    }
}

#[test]
fn what_can_never_sort_is_told() {
    let gate = GOOD.replace("kind = \"pulse\"", "kind = \"hold\"\nlead_ms = 50");
    let read = GOOD.replace("[[input]]", "[read]\nlines = \"label-lines\"\ntext = \"label-text\"\n[[input]]");
    let place = |key: &str, name: &str| read.replace("classes = [\"0\"]", &format!("{key} = [\"{name}\"]"));
    for (text, wanted) in [
        (
            gate.replace("speed_mm_s = 300", "speed_mm_s = 100"),
            "max_on_ms: 1000 ms are over before an item of 100 mm has passed; with its lead that takes 1050 ms",
        ),
        (gate.clone(), ""),
        (
            GOOD.replace("\"kick\" }", "\"kick\", offset_mm = -790 }"),
            "moves[0].offset_mm: 10 mm is before the camera has seen the item",
        ),
        (GOOD.replace("\"kick\" }", "\"kick\", offset_mm = 1300 }"), "moves[0].offset_mm: 2100 mm is past the end"),
        (
            GOOD.replace("view_start_mm = 0\nview_end_mm = 200", "view_start_mm = -200\nview_end_mm = -1"),
            "view_end_mm: the view ends at -1 mm, before",
        ),
        (
            GOOD.replace("kind = \"photo-eye\"", "kind = \"interval\"\ninterval_ms = 300"),
            "trigger.interval_ms: items come each 90 mm",
        ),
        (
            GOOD.replace("moves = [{ actuator = \"kick\" }]\n", ""),
            "lane[0].moves: are missing: what is sent to \"zero\" runs",
        ),
        (read.clone(), "lane[0].classes: labels decide, and nothing on them is bound to lane \"zero\""),
        (place("regencies", "Kota Depok"), "regencies: no place is called \"Kota Depok\"; did you mean KOTA DEPOK?"),
        (place("provinces", "YOGYAKARTA"), "provinces: no place is called \"YOGYAKARTA\"; did you mean D"),
        (place("postal_prefixes", "18"), "postal_prefixes: no postal code begins with 18"),
        (place("postal_prefixes", "164"), ""),
        (place("regencies", "KOTA DEPOK"), ""),
    ] {
        tells(&text, wanted);
    }
}

#[test]
fn what_would_meet_the_next_item_or_another_lane_is_told() {
    let gate = GOOD.replace("kind = \"pulse\"", "kind = \"hold\"");
    let with = |text: &str, key: &str| text.replace("position_mm = 800", &format!("position_mm = 800\n{key}"));
    let belt = |key: &str| GOOD.replace("end_mm = 2000", &format!("end_mm = 2000\n{key}"));
    let chute = "[[input]]\nname = \"chute\"\nline = \"GPIO4\"\n[[lane]]\nname = \"one\"\nclasses = [\"1\"]\n";
    let lane = |moves: &str| format!("{GOOD}\n{chute}moves = [{{ actuator = \"kick\"{moves} }}]\n");
    for (text, wanted) in [
        (with(GOOD, "on_ms = 360"), ""),
        (
            with(GOOD, "on_ms = 400"),
            "on_ms: after 400 ms the next item may be there: it comes 367 ms behind the middle",
        ),
        (with(&gate, "lead_ms = 200\non_ms = 500"), ""),
        (with(&gate, "lead_ms = 250"), "lead_ms: it moves 250 ms ahead, while the item before passes"),
        (
            with(&gate, "on_ms = 600"),
            "on_ms: after 600 ms the next item may be there: it comes 533 ms behind the front",
        ),
        (lane(""), "lane[2].moves: lane \"one\" moves just as lane \"zero\" does"),
        (lane(", offset_mm = 300"), ""),
        (lane(", offset_mm = 300") + "confirm = \"chute\"\nconfirm_mm = 1100\n", ""),
        (
            lane(", offset_mm = 300") + "confirm = \"chute\"\nconfirm_mm = 90\n",
            "confirm_mm: the sensor at 90 mm is before the lane's last actuator at 1100 mm",
        ),
        (
            GOOD.replace("input = \"eye\"", "input = \"eye\"\nlockout_ms = 400"),
            "trigger.lockout_ms: the photo-eye is deaf for 120 mm of belt",
        ),
        (
            GOOD.replace("path = \"pictures\"", "path = \"pictures\"\nfps = 2"),
            "camera.fps: an item is wholly in view for 100 mm, and passes between two frames; take 3 frames",
        ),
        (belt("tolerance_mm = 100"), "tolerance_mm: 100 mm is half the view of 200 mm"),
        (with(GOOD, "exclusive = \"arm\""), "exclusive: no other actuator names the group \"arm\""),
        (
            GOOD.replace("\"pulse\"", "\"servo\"").replace("\"kick\" }", "\"kick\", angle_deg = 252 }"),
            "moves[0].angle_deg: a servo would get a pulse of 3300 us",
        ),
    ] {
        tells(&text, wanted);
    }
}

#[test]
fn a_bins_moves_must_last_for_each_other() {
    let bin = include_str!("../../config/bin.toml");
    let one = |from: &str, to: &str| {
        assert!(bin.contains(from), "{from}");
        problems(&bin.replace(from, to))
    };
    assert_eq!(problems(bin), [""; 0]);
    assert_eq!(one("moves = [{ actuator = \"flap\", angle_deg = 0 }]", ""), [""; 0], "a person takes out what is left");
    let groups = bin.replace("home_deg = 0 ", "exclusive = \"mouth\"\nhome_deg = 0 ");
    let groups = groups.replace("home_deg = 90", "exclusive = \"mouth\"\nhome_deg = 90");
    let apart = groups.replace("after_ms = 1000", "after_ms = 2600");
    for (found, count, wanted) in [
        (
            one("on_ms = 2600", ""),
            11,
            "actuator[0].on_ms: 60 ms are over before a servo has turned: it goes home again",
        ),
        (
            one("on_ms = 2600", "on_ms = 1500"),
            10,
            "lane[0].moves[1].after_ms: \"turret\" turns home at 1500 ms, and \"flap\" is not done before 2200 ms; give \
             \"turret\" an on_ms of at least 2200",
        ),
        (
            problems(&groups),
            10,
            "lane[0].moves[1].after_ms: \"flap\" never moves: \"turret\" of its exclusive group is not at rest before 2600 ms",
        ),
        (problems(&apart), 0, ""),
    ] {
        assert_eq!(found.len(), count, "{found:#?}");
        assert!(count == 0 || found.iter().any(|line| line.contains(wanted)), "wanted\n{wanted}\nfound\n{found:#?}");
    }
}

#[test]
fn an_input_tells_one_thing_only() {
    let input = |name: &str, line: u32| format!("\n[[input]]\nname = \"{name}\"\nline = \"GPIO{line}\"\n");
    let text =
        GOOD.to_owned() + &input("reset", 4) + "[buttons]\nestop = \"reset\"\nreset = \"reset\"\nstart = \"eye\"\n";
    let text = text
        .replace("end_mm = 2000", "end_mm = 2000\nencoder = \"eye\"")
        .replace("[{ actuator = \"kick\" }]", "[{ actuator = \"kick\" }]\nconfirm = \"eye\"");
    let found = problems(&text);
    for (key, by) in [
        ("belt.encoder: input \"eye\"", "trigger.input"),
        ("lane[0].confirm: input \"eye\"", "trigger.input"),
        ("buttons.start: input \"eye\"", "trigger.input"),
        ("buttons.reset: input \"reset\"", "buttons.estop"),
    ] {
        let wanted = format!("{key} is {by} already; one input tells one thing");
        assert!(found.iter().any(|line| line.contains(&wanted)), "{wanted}: {found:#?}");
    }
    assert_eq!(found.len(), 5, "{found:#?}");
}

/// What is warned of in a configuration without a problem.
fn warned(text: &str) -> Vec<String> {
    let config = Config::parse(Path::new("f.toml"), text, std::iter::empty()).unwrap_or_else(|bad| panic!("{bad}"));
    config.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn a_certificate_that_is_renewed_beside_a_key_that_is_not_is_warned_of() {
    let with = |pair: &str| warned(&format!("{GOOD}\n[mqtt.tls]\n{pair}"));
    let found = with("certificate_file = \"/etc/pilah/a.pem\"\nkey_file = \"a-key\"\n");
    assert!(found.len() == 1 && found[0].starts_with("mqtt.tls.key_file: is a systemd credential"), "{found:#?}");
    assert_eq!(with("certificate_file = \"/etc/pilah/a.pem\"\nkey_file = \"/etc/pilah/a.key\"\n"), [""; 0]);
}

#[test]
fn outputs_that_a_booting_raspberry_pi_switches_on_are_warned_of() {
    let on = |line: &str, more: &str| GOOD.replace("line = \"GPIO23\"", &format!("line = \"{line}\"\n{more}"));
    for (line, more, wanted) in [
        ("GPIO23", "", None),
        ("GPIO9", "active = \"high\"", None),
        ("GPIO8", "active = \"low\"", None),
        ("X5", "active = \"low\"", None),
        ("GPIO41", "active = \"low\"", None),
        ("GPIO8", "chip = \"mcp23017\"", None),
        ("GPIO8", "chip = \"pinctrl-rp1\"", Some("GPIO8 up while it boots, and kick, active high, is on meanwhile")),
        ("SPI_CE0_N", "", Some("take one of GPIO9 to GPIO27, or add 4.7 kΩ to ground")),
        ("GPIO9", "active = \"low\"", Some("GPIO9 down while it boots, and kick, active low, is on meanwhile")),
        ("GPIO27", "active = \"low\"", Some("take one of GPIO4 to GPIO8, or add 4.7 kΩ to 3.3 V")),
        ("GPIO2", "", Some("take one of GPIO9 to GPIO27")),
    ] {
        let found = warned(&on(line, more));
        match wanted {
            None => assert_eq!(found, [""; 0], "{line} {more}"),
            Some(wanted) => {
                assert!(found.len() == 1 && found[0].contains(wanted), "{line} {more}: {found:#?}");
                assert!(line != "GPIO2" || found[0].ends_with(wanted), "no resistor is stronger: {found:#?}");
            }
        }
    }
    let lit = |key: &str| format!("{GOOD}\n[gpio]\n{key}_line = \"GPIO5\"\n");
    assert!(warned(&lit("buzzer"))[0].starts_with("gpio.buzzer_line: "));
    assert_eq!(warned(&lit("heartbeat")), [""; 0]);
    assert_eq!(warned(&(on("GPIO5", "") + "\n[gpio]\ndriver = \"none\"\n")), [""; 0]);
}

#[test]
fn what_cannot_reach_a_broker_or_a_camera_is_told() {
    for host in ["mqtt://localhost:1883", "localhost:1884", " localhost", "broker/", "[::1]"] {
        let found = problems(&format!("{GOOD}\n[mqtt]\nhost = \"{host}\"\n"));
        assert!(found.iter().any(|line| line.contains("mqtt.host: ")), "{host}: {found:#?}");
    }
    for host in ["", "localhost", "10.0.0.5", "broker.pabrik.id", "::1", "fe80::1%eth0"] {
        assert_eq!(problems(&format!("{GOOD}\n[mqtt]\nhost = \"{host}\"\n")), [""; 0], "{host}");
    }
    for driver in ["v4l", "replay"] {
        let text =
            GOOD.replace("driver = \"replay\"\npath = \"pictures\"", &format!("driver = \"{driver}\"\npath = \"\""));
        assert!(problems(&text)[0].contains("camera.path: "), "{driver}");
    }
    let text = GOOD.replace("driver = \"replay\"\npath = \"pictures\"", "driver = \"command\"\ncommand = [\"\"]");
    assert!(problems(&text)[0].contains("camera.command: "), "a program without a name");
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_file() {
    let text = GOOD.replace("site =", "sit =").replace("GPIO23", "GPIO17").replace("end_mm = 2000", "end_mm = 100");
    let found = problems(&text);
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(found[0].starts_with("f.toml:3: station.sit: no such key"), "{found:#?}");
    let text = text.replace("sit =", "site =");
    let found = problems(&text);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].starts_with("f.toml:19: belt.end_mm"), "{found:#?}");
    assert_eq!(found[3], "3 problems found");
}

#[test]
fn a_variable_is_named_when_its_value_is_wrong() {
    let variables = [("PILAH__BELT__SPEED_MM_S".to_owned(), "fast".to_owned())];
    let bad = Config::parse(Path::new("f.toml"), GOOD, variables.into_iter()).unwrap_err();
    let text = bad.to_string();
    assert!(text.starts_with("PILAH__BELT__SPEED_MM_S: belt.speed_mm_s: \"fast\" is not a number"), "{text}");
}

#[test]
fn a_variable_for_a_text_needs_no_quotes_whatever_it_looks_like() {
    let parse = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(Path::new("f.toml"), GOOD, variables).unwrap_or_else(|bad| panic!("{bad}"))
    };
    for text in ["7", "\"7\"", "'7'"] {
        assert_eq!(parse(&[("PILAH__STATION__ID", text)]).station.id, "7", "{text}");
    }
    assert_eq!(parse(&[("PILAH__STATION__SITE", "true")]).station.site, "true");
    let config = parse(&[
        ("PILAH__MQTT__CLIENT_ID", "12.5"),
        ("PILAH__LANE__0__CLASSES__0", "3"),
        ("PILAH__MQTT__PORT", "1884"),
    ]);
    assert_eq!(config.mqtt.client_id, "12.5");
    assert_eq!((config.lane[0].classes[0].as_str(), config.mqtt.port), ("3", 1884));
}

#[test]
fn a_file_that_cannot_be_read_is_a_wrong_configuration_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.toml");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(&damaged, b"[station]\nsite = \"\xff\"\n").unwrap();
    for (path, told) in [
        (folder.path().join("missing.toml"), "missing.toml: there is no such file; start from waste.toml"),
        (folder.path().to_owned(), "this is a folder; give the path"),
        (damaged, "damaged.toml: this is no text in UTF-8; write it"),
    ] {
        let bad = Config::load(&path).unwrap_err().downcast::<BadConfig>().unwrap().to_string();
        assert!(bad.contains(told), "{bad}");
        assert!(bad.ends_with("1 problem found"), "{bad}");
    }
}

#[test]
fn a_page_is_served_where_it_says_and_under_names_of_hosts() {
    for (text, wanted) in [
        ("listen = \"0.0.0.0:8080\"\ncommands = [\"pause\"]\nnames = [\"belt-1.plant.example\"]", ""),
        ("listen = \"8080\"", "page.listen: \"8080\" is no address with a port; write such as \"0.0.0.0:8080\""),
        ("listen = \"localhost:8080\"", "is no address with a port"),
        ("listen = \"0.0.0.0:80\"", "take one from 1024 on; 8080 is usual"),
        ("names = [\"http://belt-1\"]", "page.names: \"http://belt-1\" is no name of a host"),
    ] {
        tells(&format!("{GOOD}\n[page]\n{text}\n"), wanted);
    }
}

#[test]
fn a_command_that_triggers_beside_a_photo_eye_is_warned_of() {
    let warned = |kind: &str| {
        let text = format!("{GOOD}\n[page]\ncommands = [\"trigger\"]\n");
        warned(&text.replace("kind = \"photo-eye\"\ninput = \"eye\"", kind))
    };
    let found = warned("kind = \"photo-eye\"\ninput = \"eye\"");
    assert!(
        matches!(&found[..], [one] if one.starts_with("page.commands: \"trigger\" adds an item beside")),
        "{found:#?}"
    );
    assert_eq!(warned("kind = \"command\""), [""; 0]);
}

#[test]
fn a_lane_test_where_nothing_pauses_the_machine_is_warned_of() {
    let warned = |more: &str| warned(&format!("{GOOD}\n{more}")).concat();
    let found = warned("[page]\ncommands = [\"lane-test\"]\n");
    assert!(found.starts_with("page.commands: \"lane-test\" moves a lane only while"), "{found}");
    let page = "[page]\nlisten = \"127.0.0.1:8080\"\ncommands = [\"lane-test\", \"pause\"]\n";
    assert!(warned(page).ends_with("such buttons in [buttons]") && warned(page).contains("nothing here ends a pause"));
    assert_eq!(warned(&page.replace("\"pause\"", "\"pause\", \"resume\"")), "");
}
