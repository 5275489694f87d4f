fn main() {
    let t = std::time::Instant::now();
    let d = gridproxy::Documents::generated().unwrap();
    println!("{:?}", t.elapsed());
    let rt = tokio::runtime::Runtime::new().unwrap();
    rt.block_on(async {
        let t = std::time::Instant::now();
        let s = gridproxy::Standin::start(d).await.unwrap();
        println!("{:?}", t.elapsed());
        drop(s);
    });
}
