"""The words of Indonesian shipping labels: names, streets, keywords, couriers. Persons, shops and couriers are invented."""

GIVEN = """Budi Slamet Agus Eko Dwi Tri Siti Sri Nur Dewi Ratna Rina Wati Putri Ayu Made Ketut Wayan Nyoman Komang
Gede Yohanes Markus Maria Grace Ruth Stefani Daniel Samuel Yusuf Ahmad Muhammad Abdul Hasan Husein Fajar Bayu Rizky
Dimas Aditya Galih Teguh Joko Bambang Hendra Rudi Andi Daeng Baso Nurul Fitri Lestari Indah Mega Intan Kartika Wulan
Yanti Yuni Tuti Lilis Neneng Asep Ujang Cecep Dadang Iwan Wawan Kevin Michael Jessica Melissa Vivian Hendrik
Oktavianus Petrus Paulus Frans Yosef Marthen Yuliana Novita Desi Rahmat Ridwan Zulkifli Ilham Imam Khairul Syahrul
Firman Arif Hidayat Nadia Salsabila Aisyah Zahra Nabila Rafi Reza Dian Vina Bella Christian Anton Robert Lina Tiara
Citra Bunga Melati Cahya Surya Guntur Satria Wahyu Gilang Tegar Raka Mulyono Sugeng Parman""".split()
FAMILY = """Saputra Hidayat Santoso Wibowo Susanto Setiawan Gunawan Kurniawan Halim Wijaya Tanoto Hartono Pratama
Nugroho Siregar Nasution Lubis Harahap Simanjuntak Sitompul Sihombing Hutagalung Ginting Tarigan Sembiring Chaniago
Koto Tanjung Piliang Rumbiak Wenda Kogoya Tabuni Mandacan Rumambi Mokodompit Manoppo Pangemanan Lumentut Wowor
Pattiasina Latuconsina Tuasikal Leatemia Mappaodang Daeng Rahman Hasan Ismail Yusuf Suryadi Mulyadi Supriadi Haryanto
Purnomo Subroto Suharto Prasetyo Utami Lestari Rahayu Wulandari Astuti Yanti Handayani Puspita Anggraini Permata
Safitri Maharani Kusuma Dharma Putra Putri Suarjana Sudarma Wirawan Artana Bahri Syahputra Ritonga Pohan Batubara
Daulay Manurung Situmorang Pasaribu Silaban Tobing Rangkuti Hanafi Fauzi Maulana Firdaus Ramadhan Akbar Hakim""".split()
TITLES = ["Bpk.", "Ibu", "Pak", "Bu", "Sdr.", "Sdri.", "Mas", "Mbak", "H.", "Hj.", "Drs.", "drg.", "Ny.", "Kak"]
SHOP_HEADS = """Toko Gudang Grosir Distro Butik Warung Kios Rumah Pusat Agen Sentra Galeri Dunia Raja Istana Kedai
Apotek Bengkel Studio Lapak CV PT UD""".split()
SHOP_TAILS = """Gadget Cahaya Batik Kencana Kopi Pelita Herbal Sehat Buku Pintar Alat Tulis Mainan Anak Sepatu Jaya
Makmur Onderdil Motor Elektronik Kosmetik Cantik Busana Muslim Hijab Skincare Pancing Hobi Vape Corner Sparepart Kaki
Lima Sentosa Abadi Mandiri Sinar Terang Berkah Barokah Fashion Outlet Store Official 88 99 Collection Parfum Plastik
Tas Jam Tangan Aksesoris Komputer Hewan Tanaman""".split()

STREETS = """Merdeka|Sudirman|Jend. Sudirman|Gatot Subroto|Ahmad Yani|A. Yani|Diponegoro|Imam Bonjol|
Hayam Wuruk|Gajah Mada|MT Haryono|Soekarno Hatta|Pattimura|Teuku Umar|Cut Nyak Dien|Kartini|R.A. Kartini|
Veteran|Pahlawan|Pemuda|Pelabuhan|Bandara|Raya|Pasar Baru|Kenanga|Melati|Mawar|Anggrek|Flamboyan|Cempaka|
Mangga|Rambutan|Nangka|Kelapa Gading|Rajawali|Garuda|Kutilang|Cendrawasih|Merpati|Yos Sudarso|
Sultan Hasanuddin|Sultan Agung|Sisingamangaraja|Ki Hajar Dewantara|HOS Cokroaminoto|Wahid Hasyim|
Untung Suropati|Letjen Suprapto|S. Parman|Panglima Polim|Trunojoyo|Dr. Sutomo|Cipto Mangunkusumo|
Wolter Monginsidi|Basuki Rahmat|Urip Sumoharjo|Lintas Timur|Lintas Barat|Trans|Poros|Kampung Baru|
Masjid Al Ikhlas|Pesantren|Sekolah|Stasiun|Industri|Mataram|Siliwangi|Pajajaran|Brawijaya|Majapahit|
Airlangga|Sriwijaya|Hang Tuah|Pangeran Antasari|Sam Ratulangi|Dewi Sartika|Ir. H. Juanda|Supratman""".replace("\n", "").split("|")
CITY_STREETS = """Surabaya|Bandung|Jakarta|Semarang|Yogyakarta|Malang|Bogor|Cirebon|Magelang|Madiun|Serang|
Tangerang|Bekasi|Jawa|Solo|Medan|Palembang|Padang|Makassar|Manado|Banjarmasin|Pontianak|Samarinda|
Balikpapan|Denpasar|Ambon|Jayapura|Kupang|Bali|Sumatera|Kalimantan|Sulawesi|Papua|Lombok|Aceh|Lampung|
Bengkulu|Jambi|Riau|Banten|Flores|Timor|Gorontalo|Bangka|Belitung|Ternate|Kendari""".replace("\n", "").split("|")
ESTATES = """Taman Sari|Griya Indah|Bumi Asri|Puri Permai|Graha Kencana|Bukit Permai|Permata Hijau|
Citra Garden|Villa Mas|Green Tower|Pondok Indah|Harapan Baru|Nusa Indah|Mutiara Regency|Bukit Berlian|
Kota Baru|Surya Residence|Alam Sutra|Taman Palem|Pesona Asri""".replace("\n", "").split("|")
HAMLETS = """Krajan|Sukamaju|Karang Anyar|Sidomulyo|Suka Damai|Pasir Putih|Tanjung Sari|Mekar Jaya|Rejosari|
Bangun Rejo|Ngemplak|Cikaret|Lubuk Batu|Sungai Raya|Air Panas|Batu Merah|Waringin|Kebon Jeruk|Pulo Gadung|
Wonosari""".replace("\n", "").split("|")
LANDMARKS = """samping bengkel|depan masjid|belakang pasar|sebelah warung Bu Tini|rumah cat biru|
rumah pagar hijau|dekat SDN 2|samping konter pulsa|depan balai desa|masuk gang|lantai 2|ruko no 3|
dekat pom bensin|sebelah apotek|titip satpam|pojok lapangan|samping mushola|depan kantor pos|seberang sekolah|
kos pak haji""".replace("\n", "").split("|")

TO = [
    "KEPADA", "Kepada Yth.", "PENERIMA", "Penerima", "RECEIVER", "Receiver", "TO", "To", "YTH", "Yth.", "SHIP TO", "Ship To",
    "CONSIGNEE", "Kepada", "UNTUK", "DIKIRIM KE", "TUJUAN", "Alamat Penerima", "DELIVER TO", "RECIPIENT", "Nama Penerima", "KPD",
]  # fmt: skip
FROM = [
    "PENGIRIM", "Pengirim", "SHIPPER", "Shipper", "FROM", "From", "DARI", "Dari", "SENDER", "Sender", "SHIP FROM", "Alamat Pengirim",
    "ASAL", "PENJUAL", "Penjual", "SELLER", "DROPSHIPPER", "Nama Pengirim", "Dari Toko", "PNGRM",
]  # fmt: skip
COURIERS = """Kancil Kirim|Antarin.id|Lumbung Antar|Sembrani Exp|KILANUSA EKSPRES|GESIT PAKET|Bentara Logistik|
CAKRADARA|Walet Kilat|Elang Samudra Cargo|Nusa Sigap|Titian Express|RAJA ANTAR|Badak Cargo|Kurir Rimba|
ANOA LOGISTIK|SiLincah|PAKETIN|Layar Terkembang|KUDA LAUT EXPRESS|Jalak Ekspres|Pos Rimba Raya|TRANS MERANTI|
Gading Kilat|Lintas Kapuas|DARA KIRIM|Rusa Express|Komodo Ship""".replace("\n", "").split("|")
MARKETS = """belanjora|DagangYuk|lapakria|Pasarika|TOKOSELA|warungku|Borongin|KeranjangKita|Jualo Raya|
Tokonesia|Grosira|PilihBeli|Lokapala|BELIO|PasarMalam.id""".replace("\n", "").split("|")
SERVICES = [
    "REG", "ECO", "CARGO", "EZ", "STANDARD", "SAMEDAY", "YES", "EXPRESS", "HEMAT", "REGULER", "NEXT DAY", "ONS", "BEST", "JTR", "KILAT",
    "SUPER", "ECONOMY", "ECO CARGO", "NDS", "REG19", "CTC", "OKE", "TRUCKING", "BOSSPACK", "SIUNTUNG", "GOKIL", "DOC", "UDARA", "DARAT",
    "LAUT", "COD", "NON COD", "PRIORITAS", "INSTANT",
]  # fmt: skip
GOODS = """Kaos Polos Cotton 30s Hitam L|Tas Selempang Pria|Masker Duckbill 50pcs|Botol Minum 1L|Celana Chino 32|
Keripik Pisang 250g|Mukena Bali Rayon|Sepatu Sneakers 41|Kabel Data Type C|Buku Tulis 38 lbr|Sambal Roa 150ml|
Kopi Gayo 200g|Batik Tulis Pekalongan|Madu Hutan Sumbawa 500ml|Bandeng Presto Semarang|Dodol Garut 1kg|
Pempek Palembang isi 20|Jepara Ukir Mini|Lampu LED 12W|Filter Oli|Kampas Rem Depan|Gelang Couple|
Hijab Segi Empat|Serum Wajah 20ml|Skincare Set|Dokumen|Sparepart Motor|Helm Bogo|Panci 24cm|Rak Sepatu 4 susun|
Benih Cabai|Pakan Kucing 1kg|Bantal Leher|Mainan Edukasi|Kaos Jogja|Oleh-oleh Bali|Teh Celup 25|Casing HP""".replace(
    "\n", ""
).split("|")
NOTES = """JANGAN DIBANTING|FRAGILE|Handle with care|Mohon video unboxing|Wajib video unboxing|
Terima kasih sudah berbelanja|Barang pecah belah|Jangan ditindih|Isi sesuai pesanan|Segera hubungi penerima|
Tidak boleh dibuka|Cek barang sebelum bayar|Komplain wajib video|Simpan resi ini|Garansi 7 hari|Asuransi: Ya|
Asuransi: Tidak|Packing kayu|Bubble wrap|Pesan: warna random|www.lacak-resi.example|Hotline 1500-123|
CS 021-5551234|Syarat dan ketentuan berlaku|Bukti pengiriman|Lembar penerima""".replace("\n", "").split("|")
ROW_LABELS = {
    "name": ["Nama", "Name", "Atas Nama", "A/N"],
    "phone": ["Telp", "No. HP", "Phone", "HP", "Tel", "Telepon", "No Telp"],
    "street": ["Alamat", "Address", "Alamat Lengkap", "Almt"],
    "village": ["Kelurahan", "Kel/Desa", "Desa"],
    "district": ["Kecamatan", "Kec", "District"],
    "regency": ["Kota/Kab", "Kota", "City", "Kab/Kota", "Kabupaten"],
    "province": ["Provinsi", "Prov", "Province", "Propinsi"],
    "postal": ["Kode Pos", "Kodepos", "ZIP", "Postal Code", "Kd Pos", "Post Code"],
}
PROVINCES = {
    "Aceh": ["NAD", "Nanggroe Aceh Darussalam"],
    "Sumatera Utara": ["Sumut", "Sum. Utara", "North Sumatra", "Sumatra Utara"],
    "Sumatera Barat": ["Sumbar", "West Sumatra", "Sumatra Barat"],
    "Sumatera Selatan": ["Sumsel", "Sum-Sel", "South Sumatra", "Sumatra Selatan"],
    "Riau": [],
    "Kepulauan Riau": ["Kepri", "Kep. Riau", "Kep Riau"],
    "Kepulauan Bangka Belitung": ["Babel", "Kep. Bangka Belitung", "Bangka Belitung", "Bangka-Belitung"],
    "Jambi": [],
    "Bengkulu": [],
    "Lampung": [],
    "Daerah Khusus Ibukota Jakarta": ["DKI Jakarta", "Jakarta", "DKI", "DKI. Jakarta", "D.K.I. Jakarta", "DKJ"],
    "Banten": [],
    "Jawa Barat": ["Jabar", "Ja-Bar", "West Java", "Jawa-Barat", "JABAR"],
    "Jawa Tengah": ["Jateng", "Central Java", "JATENG", "Ja-Teng"],
    "Jawa Timur": ["Jatim", "East Java", "JATIM", "Ja-Tim"],
    "Daerah Istimewa Yogyakarta": ["DIY", "DI Yogyakarta", "D.I. Yogyakarta", "Yogyakarta", "D.I.Y.", "Jogja", "DI Jogjakarta"],
    "Bali": [],
    "Nusa Tenggara Barat": ["NTB", "N.T.B.", "Nusatenggara Barat"],
    "Nusa Tenggara Timur": ["NTT", "N.T.T.", "Nusatenggara Timur"],
    "Kalimantan Barat": ["Kalbar", "Kal-Bar", "West Kalimantan"],
    "Kalimantan Tengah": ["Kalteng", "Kal-Teng", "Central Kalimantan"],
    "Kalimantan Selatan": ["Kalsel", "Kal-Sel", "South Kalimantan"],
    "Kalimantan Timur": ["Kaltim", "Kal-Tim", "East Kalimantan"],
    "Kalimantan Utara": ["Kaltara", "Kalut", "North Kalimantan"],
    "Sulawesi Utara": ["Sulut", "North Sulawesi"],
    "Sulawesi Tengah": ["Sulteng", "Central Sulawesi"],
    "Sulawesi Selatan": ["Sulsel", "South Sulawesi"],
    "Sulawesi Tenggara": ["Sultra", "Southeast Sulawesi"],
    "Sulawesi Barat": ["Sulbar", "West Sulawesi"],
    "Gorontalo": [],
    "Maluku": [],
    "Maluku Utara": ["Malut", "North Maluku"],
    "Papua": [],
    "Papua Barat": ["Pabar", "West Papua"],
    "Papua Selatan": [],
    "Papua Tengah": [],
    "Papua Pegunungan": [],
    "Papua Barat Daya": ["PBD"],
}
HUBS = {
    "Aceh": "BTJ", "Sumatera Utara": "MES", "Sumatera Barat": "PDG", "Sumatera Selatan": "PLM", "Riau": "PKU", "Kepulauan Riau": "BTH",
    "Kepulauan Bangka Belitung": "PGK", "Jambi": "DJB", "Bengkulu": "BKS", "Lampung": "TKG", "Daerah Khusus Ibukota Jakarta": "CGK",
    "Banten": "TGR", "Jawa Barat": "BDO", "Jawa Tengah": "SRG", "Jawa Timur": "SUB", "Daerah Istimewa Yogyakarta": "JOG", "Bali": "DPS",
    "Nusa Tenggara Barat": "LOP", "Nusa Tenggara Timur": "KOE", "Kalimantan Barat": "PNK", "Kalimantan Tengah": "PKY",
    "Kalimantan Selatan": "BDJ", "Kalimantan Timur": "BPN", "Kalimantan Utara": "TRK", "Sulawesi Utara": "MDC", "Sulawesi Tengah": "PLW",
    "Sulawesi Selatan": "UPG", "Sulawesi Tenggara": "KDI", "Sulawesi Barat": "MJU", "Gorontalo": "GTO", "Maluku": "AMQ",
    "Maluku Utara": "TTE", "Papua": "DJJ", "Papua Barat": "MKW", "Papua Selatan": "MKQ", "Papua Tengah": "NBX", "Papua Pegunungan": "WMX",
    "Papua Barat Daya": "SOQ",
}  # fmt: skip
