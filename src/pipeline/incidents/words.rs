//! The words of the line's incidents: what happened and what to do.

use crate::pipeline::track::Stuck;
use crate::record::Words;
use crate::trouble::Trouble;

pub(super) fn jam() -> Trouble {
    Trouble::new("jam", |_, _| Words {
        en: "the photo-eye stays blocked: pause the machine and stop the belt, then take out what is stuck before it, \
             or wipe it"
            .into(),
        id: "sensor fotolistrik terus terhalang: jeda mesin dulu dan hentikan ban, lalu ambil barang yang tersangkut \
             di depannya, atau bersihkan sensornya"
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
            "{n} kali barang datang terlalu rapat, lalu diteruskan ke jalur pengecualian: beri jarak lebih jauh \
             antarbarang saat memasukkannya"
        ),
    })
}

pub(super) fn many() -> Trouble {
    Trouble::new("too-many-items", |n, _| Words {
        en: format!("{} came while no more could be followed, and ran to the exception lane: check the feed", items(n)),
        id: format!(
            "{n} barang datang saat barang yang dilacak sudah terlalu banyak, lalu diteruskan ke jalur pengecualian: \
             periksa laju masuknya barang"
        ),
    })
}

pub(super) fn full() -> Trouble {
    Trouble::new("lane-full", |_, lane| Words {
        en: format!(
            "the sensor of lane {lane} stays blocked: pause the machine, then empty the lane or wipe the sensor"
        ),
        id: format!(
            "sensor jalur {lane} terus terhalang: jeda mesin dulu, lalu kosongkan jalurnya atau bersihkan sensornya"
        ),
    })
}

pub(super) fn unconfirmed() -> Trouble {
    Trouble::new("lane-unconfirmed", |n, lane| Words {
        en: format!(
            "{} sent to lane {lane} {} not seen there: pause the machine, then look whether its actuator moves and its \
             sensor sees",
            items(n),
            if n == 1 { "was" } else { "were" }
        ),
        id: format!(
            "{n} barang yang dikirim ke jalur {lane} tidak terdeteksi di sana: jeda mesin dulu, lalu periksa apakah \
             penggeraknya bergerak dan sensornya berfungsi"
        ),
    })
}

pub(super) fn unexpected() -> Trouble {
    Trouble::new("unexpected-item", |n, lane| Words {
        en: format!(
            "the sensor of lane {lane} saw {} that nobody sent there: pause the machine, then look into the chute",
            items(n)
        ),
        id: format!(
            "sensor jalur {lane} mendeteksi {n} barang yang seharusnya tidak masuk ke jalur itu: jeda mesin dulu, lalu \
             periksa salurannya"
        ),
    })
}

pub(super) fn silent() -> Trouble {
    Trouble::new("encoder-silent", |_, _| Words {
        en: "the belt runs and its encoder counts nothing, so nothing is diverted: pause the machine and stop the \
             belt, then look at the encoder's wheel and its cable"
            .into(),
        id: "ban berjalan tetapi enkoder tidak menghitung, tidak ada yang dialihkan: jeda mesin dulu dan hentikan \
             ban, lalu periksa roda dan kabel enkoder"
            .into(),
    })
}

pub(super) fn overtime() -> Trouble {
    Trouble::new("actuator-overtime", |n, _| Words {
        en: format!(
            "a coil was cut at its longest on-time, {}: pause the machine, then look at what holds it on, such as a \
             belt that stopped under an open gate, and at the actuator's on_ms and max_on_ms",
            times(n)
        ),
        id: format!(
            "{n} kali penggerak dimatikan karena melewati batas waktu nyala: jeda mesin dulu, lalu periksa apa yang \
             membuatnya terus menyala, misalnya ban yang berhenti saat gerbang terbuka; jika tidak ditemukan, hubungi \
             teknisi (on_ms dan max_on_ms)"
        ),
    })
}

pub(super) fn backwards() -> Trouble {
    Trouble::new("belt-backwards", |_, _| Words {
        en: "the belt runs backwards, and nothing is diverted until it is as far as it was: look at its drive; \
             where it runs forwards, change the encoder's two channels for one another"
            .into(),
        id: "ban berjalan mundur, tidak ada yang dialihkan sampai ban kembali ke posisinya: periksa motor \
             penggerak ban; jika ban sebenarnya maju, hubungi teknisi (tukar kedua kanal enkoder)"
            .into(),
    })
}

pub(super) fn stuck(what: Stuck) -> fn(u64, &str) -> Words {
    match what {
        Stuck::Restless => |_, _| Words {
            en: "the item does not come to rest: pause the machine, then look into it, and for what shakes it or its \
                 light"
                .into(),
            id: "barang tidak kunjung diam: jeda mesin dulu, lalu periksa bagian dalamnya, serta getaran atau cahaya \
                 yang berubah"
                .into(),
        },
        Stuck::Unseen => |_, _| Words {
            en: "no lane saw the item fall: pause the machine, then look into it and wipe the lanes' sensors".into(),
            id: "tidak ada jalur yang mendeteksi barang jatuh: jeda mesin dulu, lalu periksa bagian dalamnya dan \
                 bersihkan sensor jalur"
                .into(),
        },
        Stuck::NotEmpty => |_, _| Words {
            en: "the view is not empty after the move: pause the machine, then take out what lies there".into(),
            id: "masih ada barang di depan kamera setelah gerakan: jeda mesin dulu, lalu keluarkan barang itu".into(),
        },
    }
}

pub(super) fn waits() -> Trouble {
    Trouble::new("item-waits", |_, _| Words {
        en: "what lies before the camera keeps the machine from sorting: pause the machine, then take it out by hand; \
             where nothing lies there, its light or the camera has changed: start the program anew"
            .into(),
        id: "pemilahan menunggu barang di depan kamera dikeluarkan: jeda mesin dulu, lalu keluarkan dengan tangan; \
             jika tidak ada barang di sana, cahaya atau kameranya telah berubah: minta teknisi menjalankan ulang \
             program"
            .into(),
    })
}

pub(super) fn dark() -> Trouble {
    Trouble::new("camera-dark", |_, _| Words {
        en: "the pictures are nearly black: pause the machine, then switch on the light or take off what covers the \
             lens"
            .into(),
        id: "gambar hampir hitam: jeda mesin dulu, lalu nyalakan lampu atau lepas penutup lensa".into(),
    })
}

pub(super) fn blurred() -> Trouble {
    Trouble::new("camera-blurred", |_, _| Words {
        en: "the pictures are blurred: pause the machine, then wipe the lens and set its focus".into(),
        id: "gambar buram: jeda mesin dulu, lalu bersihkan lensa dan atur fokusnya".into(),
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
            (overtime(), "on-time, once: pause", "on-time, 3 times: pause"),
        ] {
            for (n, wanted) in [(1, one), (3, several)] {
                let words = (trouble.text)(n, "A");
                assert!(words.en.contains(wanted), "{}", words.en);
            }
        }
    }
}
