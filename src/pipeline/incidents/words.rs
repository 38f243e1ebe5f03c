//! The words of the line's incidents: what happened and what to do.

use crate::pipeline::track::Stuck;
use crate::record::Words;
use crate::trouble::Trouble;

pub(super) fn jam() -> Trouble {
    Trouble::new("jam", |_, _| Words {
        en: "the photo-eye stays blocked: take out what is stuck before it, or wipe it".into(),
        id: "sensor fotolistrik terus terhalang: ambil barang yang tersangkut di depannya, atau bersihkan sensornya"
            .into(),
    })
}

pub(super) fn close() -> Trouble {
    Trouble::new("items-too-close", |n, _| Words {
        en: format!(
            "items came too close together, {}, and ran to the exception lane: feed them further apart",
            times(n)
        ),
        id: format!(
            "{n} kali barang datang terlalu rapat, lalu diteruskan ke jalur pengecualian: beri jarak lebih jauh saat \
             memuat"
        ),
    })
}

pub(super) fn many() -> Trouble {
    Trouble::new("too-many-items", |n, _| Words {
        en: format!("{} came while no more could be followed, and ran to the exception lane: check the feed", items(n)),
        id: format!(
            "{n} barang datang saat barang yang dilacak sudah terlalu banyak, lalu diteruskan ke jalur pengecualian: \
             periksa pemasukan barang"
        ),
    })
}

pub(super) fn full() -> Trouble {
    Trouble::new("lane-full", |_, lane| Words {
        en: format!("the sensor of lane {lane} stays blocked: empty the lane, or wipe the sensor"),
        id: format!("sensor jalur {lane} terus terhalang: kosongkan jalurnya, atau bersihkan sensornya"),
    })
}

pub(super) fn unconfirmed() -> Trouble {
    Trouble::new("lane-unconfirmed", |n, lane| Words {
        en: format!(
            "{} sent to lane {lane} {} not seen there: look whether its actuator moves and its sensor sees",
            items(n),
            if n == 1 { "was" } else { "were" }
        ),
        id: format!(
            "{n} barang yang dikirim ke jalur {lane} tidak terlihat di sana: periksa gerak aktuator dan sensornya"
        ),
    })
}

pub(super) fn unexpected() -> Trouble {
    Trouble::new("unexpected-item", |n, lane| Words {
        en: format!("the sensor of lane {lane} saw {} that nobody sent there: look into the chute", items(n)),
        id: format!("sensor jalur {lane} melihat {n} barang yang tidak dikirim ke sana: periksa salurannya"),
    })
}

pub(super) fn silent() -> Trouble {
    Trouble::new("encoder-silent", |_, _| Words {
        en: "the belt runs and its encoder counts nothing, so nothing is diverted: look at its wheel and its cable"
            .into(),
        id: "ban berjalan tetapi enkoder tidak menghitung, tidak ada yang dialihkan: periksa roda dan kabelnya".into(),
    })
}

pub(super) fn overtime() -> Trouble {
    Trouble::new("actuator-overtime", |n, _| Words {
        en: format!(
            "a coil was cut at its longest on-time, {}: look at what holds it on, such as a belt that stopped under an \
             open gate, and at the actuator's on_ms and max_on_ms",
            times(n)
        ),
        id: format!(
            "{n} kali kumparan diputus pada batas waktu nyala: periksa apa yang membuatnya terus menyala, misalnya ban \
             yang berhenti saat gerbang terbuka, dan periksa on_ms serta max_on_ms aktuatornya"
        ),
    })
}

pub(super) fn backwards() -> Trouble {
    Trouble::new("belt-backwards", |_, _| Words {
        en: "the belt runs backwards, and nothing is diverted until it is as far as it was: look at its drive; \
             where it runs forwards, change the encoder's two channels for one another"
            .into(),
        id: "ban berjalan mundur, tidak ada yang dialihkan sampai ban kembali ke posisinya: periksa penggeraknya; \
             jika ban sebenarnya maju, tukar kedua kanal enkoder"
            .into(),
    })
}

pub(super) fn stuck(what: Stuck) -> fn(u64, &str) -> Words {
    match what {
        Stuck::Restless => |_, _| Words {
            en: "the item does not come to rest: look into the machine, and for what shakes it or its light".into(),
            id: "barang tidak kunjung diam: periksa mesin, serta getaran atau cahaya yang berubah".into(),
        },
        Stuck::Unseen => |_, _| Words {
            en: "no lane saw the item fall: look into the machine, and wipe the lanes' sensors".into(),
            id: "tidak ada jalur yang mendeteksi barang jatuh: periksa mesin, dan bersihkan sensor jalur".into(),
        },
        Stuck::NotEmpty => |_, _| Words {
            en: "the view is not empty after the move: take out what lies there".into(),
            id: "masih ada barang di depan kamera setelah gerakan: keluarkan barang itu".into(),
        },
    }
}

pub(super) fn waits() -> Trouble {
    Trouble::new("item-waits", |_, _| {
        Words {
        en: "what lies before the camera waits to be taken out by hand, and nothing is sorted until then; where nothing \
             lies there, its light or the camera has changed: start the program anew"
            .into(),
        id: "barang di depan kamera menunggu dikeluarkan dengan tangan, sebelum itu tidak ada yang dipilah; jika tidak \
             ada barang di sana, cahaya atau kameranya telah berubah: jalankan ulang program"
            .into(),
    }
    })
}

pub(super) fn dark() -> Trouble {
    Trouble::new("camera-dark", |_, _| Words {
        en: "the pictures are nearly black: switch on the light, or take off what covers the lens".into(),
        id: "gambar hampir hitam: nyalakan lampu, atau lepas penutup lensa".into(),
    })
}

pub(super) fn blurred() -> Trouble {
    Trouble::new("camera-blurred", |_, _| Words {
        en: "the pictures are blurred: wipe the lens, and set its focus".into(),
        id: "gambar buram: bersihkan lensa, dan atur fokusnya".into(),
    })
}

fn times(n: u64) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

fn items(n: u64) -> String {
    if n == 1 { "1 item".into() } else { format!("{n} items") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_as_one_and_several_as_several() {
        for (trouble, one, several) in [
            (many(), "1 item came while", "3 items came while"),
            (close(), "together, once, and", "together, 3 times, and"),
            (unconfirmed(), "1 item sent to lane A was not", "3 items sent to lane A were not"),
            (unexpected(), "saw 1 item that", "saw 3 items that"),
            (overtime(), "on-time, once: look", "on-time, 3 times: look"),
        ] {
            for (n, wanted) in [(1, one), (3, several)] {
                let words = (trouble.text)(n, "A");
                assert!(words.en.contains(wanted), "{}", words.en);
            }
        }
    }
}
