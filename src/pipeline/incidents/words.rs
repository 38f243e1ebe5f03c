//! The words of the line's incidents: what happened and what to do.

use crate::pipeline::track::Stuck;
use crate::record::Words;
use crate::trouble::Trouble;

pub(super) fn jam() -> Trouble {
    Trouble::new("jam", |_, _| Words {
        en: "the photo-eye stays blocked: take out what is stuck before it, or wipe it".into(),
        id: "sensor foto terus terhalang: ambil barang yang tersangkut di depannya, atau bersihkan sensornya".into(),
    })
}

pub(super) fn close() -> Trouble {
    Trouble::new("items-too-close", |n, _| Words {
        en: format!("{n} times items came too close together and ran to the exception lane: feed them further apart"),
        id: format!("{n} kali barang terlalu rapat dan jalan ke jalur sisa: beri jarak lebih jauh saat memuat"),
    })
}

pub(super) fn many() -> Trouble {
    Trouble::new("too-many-items", |n, _| Words {
        en: format!("{n} items came while no more could be followed, and ran to the exception lane: check the feed"),
        id: format!("{n} barang datang saat tidak ada lagi yang bisa diikuti, dan jalan ke jalur sisa: periksa umpan"),
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
            "{n} items sent to lane {lane} were not seen there: look whether its actuator moves and its sensor sees"
        ),
        id: format!(
            "{n} barang yang dikirim ke jalur {lane} tidak terlihat di sana: periksa gerak aktuator dan sensornya"
        ),
    })
}

pub(super) fn unexpected() -> Trouble {
    Trouble::new("unexpected-item", |n, lane| Words {
        en: format!("the sensor of lane {lane} saw {n} items that nobody sent there: look into the chute"),
        id: format!("sensor jalur {lane} melihat {n} barang yang tidak dikirim ke sana: periksa saluran"),
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
        en: format!("{n} times a coil was cut at its longest on-time: the belt may have stopped with a gate open"),
        id: format!("{n} kali kumparan diputus pada batas waktu nyala: ban mungkin berhenti saat gerbang terbuka"),
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
