/** The uv this product installs for itself where the host has none. */

/** Release the flags and texts of this product were checked against. */
export const UV_VERSION = '0.13.8';

/** Oldest uv of a host that is used: the first lines that write pylock.toml. */
export const UV_OLDEST = '0.8.0';

/** sha256 of each of its wheels for Linux and macOS, so that no index can hand over another program. */
export const UV_HASHES = [
  '0ec33661a14e38dea8dfb18167d2a4a5c7fe3d476c62dd8eb6acf5f378727201', // linux_armv6l
  'b7124ca1956ec2e476a1003ea5715a15f0266afaec37f4dc9c6972ba8183e6d1', // macosx_10_12_x86_64
  '62b6943c7fd64fac6854f780bea6e0359e5a5bc3241f83ee357bb38276afac49', // macosx_11_0_arm64
  '0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d', // manylinux_2_17_aarch64, musllinux_1_1_aarch64
  '9cf0b7b12f13da6ab1c85694ab618d97a2bbd0c904cdea7f0172fb1dd768b9d5', // manylinux_2_17_armv7l, musllinux_1_1_armv7l
  '86f1319f851e645bc295bb921e6be19beae7e69216c75ae809010ca7817393aa', // manylinux_2_17_armv7l
  '5ace7ec339798aca31be51a75fa7c1544fe84e02fadd17a9fa3324813bbaf237', // manylinux_2_17_i686
  '6999618363d03a0a085a9491db319e00b461dbda205db06ef1fd55dfcbf6472b', // manylinux_2_17_ppc64le
  '13050c64530a1ccfc223af0306a8152d41c0d36ea63bc19161221ca65dfe480a', // manylinux_2_17_s390x
  'e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984', // manylinux_2_17_x86_64
  '5337c30bb893b4f9ce0ceb921ba2da0d13f649da644f40ad3bef84083bef0203', // manylinux_2_28_aarch64
  'bfcaada3989c7716ad4b58673cd1413fad4fdc6b2e446f9553db0ef18da20850', // manylinux_2_31_riscv64, musllinux_1_1_riscv64
  'b26fe533dc6153787e40443b7d9428ed41349127bff36a954ec82c48be01ded9', // manylinux_2_31_riscv64
  '63d807451e63c8d21b1b33c945af16438ac9d8ffddc59b31ce69c692135891f5', // musllinux_1_1_i686
  '29451c60f5e8b07403e0a175d5229efc36b0289b34143ff4aaa499a5dd52553a', // musllinux_1_1_x86_64
] as const;
