//! The words themselves, as labels print them: capital letters, without what stands between.

use crate::pipeline::read::keywords::Level;

/// To whom the parcel goes.
pub(super) const RECIPIENT: &[&str] = &[
    "KEPADA",
    "PENERIMA",
    "RECEIVER",
    "RECIPIENT",
    "CONSIGNEE",
    "ADDRESSEE",
    "TUJUAN",
    "UNTUK",
    "YTH",
    "KPD",
    "TO",
    "SHIPTO",
    "DELIVERTO",
    "SENDTO",
    "DIKIRIMKE",
    "KIRIMKE",
    "ALAMATTUJUAN",
    "ALAMATPENERIMA",
    "NAMAPENERIMA",
    "DATAPENERIMA",
    "DELIVERYADDRESS",
    "SHIPPINGADDRESS",
    "PENERIMAPAKET",
    "PNRM",
    "KEPADAYTH",
    "BUYER",
    "PEMBELI",
    "ALAMATPENGIRIMAN",
    "DATAPENGIRIMAN",
    "NAMAPENGIRIMAN",
    "SHIPPEDTO",
];

/// From whom it comes, or where it goes back to.
pub(super) const SENDER: &[&str] = &[
    "PENGIRIM",
    "SHIPPER",
    "SENDER",
    "FROM",
    "DARI",
    "ASAL",
    "PENJUAL",
    "SELLER",
    "DROPSHIPPER",
    "CONSIGNOR",
    "PNGRM",
    "SHIPFROM",
    "SENTBY",
    "ALAMATPENGIRIM",
    "NAMAPENGIRIM",
    "DATAPENGIRIM",
    "DARITOKO",
    "RETURNTO",
    "RETURNADDRESS",
    "RETUR",
    "ALAMATRETUR",
    "MERCHANT",
    "DIKIRIMOLEH",
    "DIKIRIMDARI",
    "ALAMATASAL",
    "RETURN",
    "PGRM",
    "PENGEMBALIAN",
    "ALAMATPENGEMBALIAN",
];

/// What `TO:` may be read as where it stands alone.
pub(super) const LIKE_TO: &[&str] = &["TQ", "TD", "IO", "TOO", "TTO", "FO", "YO"];

/// Words for a sender that are too short to count without a colon: people are called Dr. Budi.
pub(super) const FROM_BEFORE_COLON: &[&str] = &["DR", "FRM"];

/// What stands near to a keyword and is none: rows of either party, what people are, and villages.
pub(super) const NONE: &[&str] = &[
    "ADDRESS",
    "ALAMAT",
    "KEPALA",
    "BATURNO",
    "BATUROTO",
    "DENDER",
    "ENDER",
    "HEBERIMA",
    "KALITOKO",
    "MENCIRIM",
    "PANGAMBATAN",
    "PENGAMBANGAN",
    "PENGGIMA",
    "PENGIDAM",
    "PENGIKIK",
    "SENDE",
    "SENDEN",
    "SENDIR",
    "SONDER",
    "TUINAN",
    "YEMARIMA",
];

/// How it was sent. Misread it is still this, and no sender.
pub(super) const PENGIRIMAN: &str = "PENGIRIMAN";

/// What labels say beside addresses.
pub(super) const OTHER: &[&str] = &[
    "BERAT",
    "WEIGHT",
    "ISI",
    "ISIPAKET",
    "ISIBARANG",
    "QTY",
    "COD",
    "NONCOD",
    "PRODUK",
    "PRODUCT",
    "BARANG",
    "NAMABARANG",
    "DESKRIPSI",
    "KETERANGAN",
    "CATATAN",
    "NOTE",
    "NOTES",
    "PESAN",
    "ORDER",
    "NOORDER",
    "NOPESANAN",
    "PESANAN",
    "ORDERID",
    "TANGGAL",
    "TGL",
    "DATE",
    "LAYANAN",
    "SERVICE",
    "ONGKIR",
    "ASURANSI",
    "TOTAL",
    "RESI",
    "NORESI",
    "AWB",
    "NOAWB",
    "WAYBILL",
    "ITEM",
    "ITEMS",
    "JUMLAH",
    "BIAYA",
    "HARGA",
    "INVOICE",
    "KONTEN",
    "GOODS",
    "CONTENT",
    "CONTENTS",
    "DIMENSI",
    "VOLUME",
    "KOLI",
    "NILAI",
    "HOTLINE",
    "WWW",
    "HTTP",
    "HTTPS",
    "JANGAN",
    "FRAGILE",
    "REF",
    "SKU",
    "VARIASI",
    "ONGKOSKIRIM",
    "CS",
    "TERIMAKASIH",
    "GARANSI",
    "KOMPLAIN",
    "MOHON",
    "WAJIB",
    "SEGERA",
    "LEMBAR",
    "SYARAT",
    "BUKTI",
    "SIMPAN",
    "BATASKIRIM",
    PENGIRIMAN,
    "SHIPPED",
];

/// What a place is, before its name.
pub(super) const LEVELS: &[(&str, Level)] = &[
    ("PROVINSI", Level::Province),
    ("PROPINSI", Level::Province),
    ("PROVINCE", Level::Province),
    ("PROV", Level::Province),
    ("PROP", Level::Province),
    ("KABUPATEN", Level::Kabupaten),
    ("REGENCY", Level::Kabupaten),
    ("KAB", Level::Kabupaten),
    ("KOTA", Level::City),
    ("KOTAMADYA", Level::City),
    ("KODYA", Level::City),
    ("CITY", Level::City),
    ("KECAMATAN", Level::District),
    ("DISTRICT", Level::District),
    ("DISTRIK", Level::District),
    ("KEC", Level::District),
    ("KCMTN", Level::District),
    ("KELURAHAN", Level::Village),
    ("KEL", Level::Village),
    ("DESA", Level::Village),
    ("DS", Level::Village),
    ("DSA", Level::Village),
    ("NAGARI", Level::Village),
    ("GAMPONG", Level::Village),
    ("VILLAGE", Level::Village),
];

/// What begins a street, an estate or a building: the names behind it are no places to send to.
pub(super) const STREETS: &[&str] = &[
    "JL",
    "JLN",
    "JALAN",
    "JI",
    "JN",
    "GG",
    "GANG",
    "LORONG",
    "LR",
    "PERUM",
    "PERUMAHAN",
    "PERUMNAS",
    "KOMP",
    "KOMPLEK",
    "KOMPLEKS",
    "KMPLK",
    "RUKO",
    "GEDUNG",
    "TOKO",
    "GUDANG",
    "GROSIR",
    "PASAR",
    "DUSUN",
    "DSN",
    "LINGKUNGAN",
    "LINGK",
    "KAMPUNG",
    "KAMP",
    "GRIYA",
    "STREET",
    "ROAD",
    "APARTEMEN",
    "APT",
    "TOWER",
    "CLUSTER",
    "VILLA",
    "GRAHA",
    "DEPAN",
    "DEKAT",
    "BELAKANG",
    "SAMPING",
    "SEBELAH",
    "SEBERANG",
    "TROMOL",
];

/// What goes on with a street, and ends its name.
pub(super) const STREET_ENDS: &[&str] =
    &["NO", "NOMOR", "RT", "RW", "BLOK", "BLK", "KAV", "KM", "LT", "LANTAI", "UNIT"];

/// What says that a postal code follows.
pub(super) const CODES: &[&str] = &[
    "POS",
    "KODEPOS",
    "KODE",
    "KDPOS",
    "ZIP",
    "POSTAL",
    "POSTCODE",
    "POST",
    "CODE",
    "KP",
    "ID",
    "ZIPCODE",
    "POSTALCODE",
];

/// What says that a telephone number follows.
pub(super) const PHONES: &[&str] = &["TELP", "TLP", "TEL", "TELEPON", "PHONE", "HP", "NOHP", "WA", "FAX", "FAKS"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::read::distance::{distance, mask, tolerated};

    #[test]
    fn no_name_of_a_place_is_nearly_a_keyword() {
        let gazetteer = crate::pipeline::read::gazetteer::Gazetteer::shipped().unwrap();
        let districts = gazetteer.districts.iter().map(|district| district.name);
        let names: Vec<(&str, u32)> =
            gazetteer.villages.iter().copied().chain(districts).map(|name| (name, mask(name.as_bytes()))).collect();
        for keyword in RECIPIENT.iter().chain(SENDER).filter(|keyword| keyword.len() >= 6) {
            let letters = mask(keyword.as_bytes());
            // Two letters that were misread are four others at most.
            let near = names
                .iter()
                .filter(|(name, known)| (letters ^ known).count_ones() <= 4 && keyword.len().abs_diff(name.len()) <= 2);
            for (name, _) in near.filter(|(name, _)| !NONE.contains(name)) {
                let cost = distance(name.as_bytes(), keyword.as_bytes(), tolerated(keyword.len()));
                assert_eq!(cost, None, "{name} is near {keyword}, and stands not among what is no keyword");
            }
        }
    }
}
