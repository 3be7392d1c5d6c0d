/** Names of system packages by package manager: for the parts every build needs, and for headers and libraries that failures name. */

/** Package manager of a host; `other` is one this project does not know. */
export type Family = 'debian' | 'fedora' | 'suse' | 'alpine' | 'arch' | 'macos' | 'windows' | 'other';

/** What builds, imports and environments need of a system. */
export type Part = 'compiler' | 'headers' | 'blas' | 'pkg-config' | 'rust' | 'venv';

/** How each family installs packages; empty where nothing is installed by one command. */
export const INSTALL: Record<Family, string> = {
  debian: 'apt-get install -y', fedora: 'dnf install -y', suse: 'zypper install -y', alpine: 'apk add', arch: 'pacman -S --needed', macos: 'brew install', windows: '', other: '',
};

/** `LINE` is the interpreter's, like `3.12`. What Debian, macOS and Windows need comes from the policy where it names it. */
export const PARTS: Record<Part, Record<Exclude<Family, 'other'>, string[]>> = {
  compiler: { debian: ['build-essential'], fedora: ['gcc', 'gcc-c++', 'make'], suse: ['gcc', 'gcc-c++', 'make'], alpine: ['build-base'], arch: ['base-devel'], macos: ['Xcode command-line tools'], windows: ['Visual Studio Build Tools'] },
  headers: { debian: ['pythonLINE-dev'], fedora: ['python3-devel'], suse: ['python3-devel'], alpine: ['python3-dev'], arch: ['python'], macos: ['python@LINE'], windows: [] },
  blas: { debian: ['libblas-dev', 'liblapack-dev'], fedora: ['blas-devel', 'lapack-devel'], suse: ['blas-devel', 'lapack-devel'], alpine: ['openblas-dev'], arch: ['blas', 'lapack'], macos: ['openblas', 'lapack'], windows: [] },
  'pkg-config': { debian: ['pkg-config'], fedora: ['pkgconf-pkg-config'], suse: ['pkg-config'], alpine: ['pkgconf'], arch: ['pkgconf'], macos: ['pkg-config'], windows: [] },
  rust: { debian: ['cargo'], fedora: ['cargo'], suse: ['cargo'], alpine: ['cargo'], arch: ['rust'], macos: ['rust'], windows: ['Rust'] },
  venv: { debian: ['pythonLINE-venv'], fedora: ['python3'], suse: ['python3'], alpine: ['python3'], arch: ['python'], macos: ['python@LINE'], windows: [] },
};

/** A header, a pkg-config name or a shared library, and the package that brings it. */
interface Library {
  pattern: RegExp;
  debian: string;
  fedora: string;
  alpine: string;
  macos: string;
}

const library = (pattern: RegExp, debian: string, fedora: string, alpine: string, macos: string): Library => ({ pattern, debian, fedora, alpine, macos });

const LIBRARIES: Library[] = [
  library(/^(?:mysql(?:\/mysql)?\.h|my_config\.h|mysqlclient|libmysqlclient.*|mariadb|libmariadb.*)$/, 'default-libmysqlclient-dev', 'mariadb-connector-c-devel', 'mariadb-connector-c-dev', 'mysql-client'),
  library(/^(?:libpq-fe\.h|pg_config|libpq.*|postgres_ext\.h)$/, 'libpq-dev', 'libpq-devel', 'libpq-dev', 'libpq'),
  library(/^(?:ffi\.h|libffi.*)$/, 'libffi-dev', 'libffi-devel', 'libffi-dev', 'libffi'),
  library(/^(?:openssl\/.*\.h|openssl|libssl.*|libcrypto.*)$/, 'libssl-dev', 'openssl-devel', 'openssl-dev', 'openssl'),
  library(/^(?:cairo\.h|cairo|libcairo.*)$/, 'libcairo2-dev', 'cairo-devel', 'cairo-dev', 'cairo'),
  library(/^(?:libxml\/.*\.h|libxml-2\.0|libxml2.*)$/, 'libxml2-dev', 'libxml2-devel', 'libxml2-dev', 'libxml2'),
  library(/^(?:libxslt\/.*\.h|libxslt.*)$/, 'libxslt1-dev', 'libxslt-devel', 'libxslt-dev', 'libxslt'),
  library(/^(?:jpeglib\.h|libjpeg.*)$/, 'libjpeg-dev', 'libjpeg-turbo-devel', 'libjpeg-turbo-dev', 'jpeg'),
  library(/^(?:ft2build\.h|freetype2|libfreetype.*)$/, 'libfreetype-dev', 'freetype-devel', 'freetype-dev', 'freetype'),
  library(/^(?:zlib\.h|zlib|libz\.so.*)$/, 'zlib1g-dev', 'zlib-devel', 'zlib-dev', 'zlib'),
  library(/^(?:sqlite3\.h|sqlite3|libsqlite3.*)$/, 'libsqlite3-dev', 'sqlite-devel', 'sqlite-dev', 'sqlite'),
  library(/^(?:bzlib\.h|libbz2.*)$/, 'libbz2-dev', 'bzip2-devel', 'bzip2-dev', 'bzip2'),
  library(/^(?:lzma\.h|liblzma.*)$/, 'liblzma-dev', 'xz-devel', 'xz-dev', 'xz'),
  library(/^(?:ldap\.h|lber\.h|libldap.*)$/, 'libldap-dev', 'openldap-devel', 'openldap-dev', 'openldap'),
  library(/^(?:sasl\/sasl\.h|libsasl2.*)$/, 'libsasl2-dev', 'cyrus-sasl-devel', 'cyrus-sasl-dev', 'cyrus-sasl'),
  library(/^(?:sql\.h|sqlext\.h|libodbc.*)$/, 'unixodbc-dev', 'unixODBC-devel', 'unixodbc-dev', 'unixodbc'),
  library(/^(?:krb5\.h|gssapi\/.*\.h|krb5|libkrb5.*|libgssapi.*)$/, 'libkrb5-dev', 'krb5-devel', 'krb5-dev', 'krb5'),
  library(/^(?:hdf5\.h|hdf5|libhdf5.*)$/, 'libhdf5-dev', 'hdf5-devel', 'hdf5-dev', 'hdf5'),
  library(/^(?:geos_c\.h|libgeos.*)$/, 'libgeos-dev', 'geos-devel', 'geos-dev', 'geos'),
  library(/^(?:gdal\.h|libgdal.*)$/, 'libgdal-dev', 'gdal-devel', 'gdal-dev', 'gdal'),
  library(/^(?:yaml\.h|libyaml.*|yaml-0\.1)$/, 'libyaml-dev', 'libyaml-devel', 'yaml-dev', 'libyaml'),
  library(/^(?:gmp\.h|libgmp.*)$/, 'libgmp-dev', 'gmp-devel', 'gmp-dev', 'gmp'),
  library(/^(?:libgomp.*)$/, 'libgomp1', 'libgomp', 'libgomp', 'libomp'),
  library(/^(?:libgfortran.*)$/, 'libgfortran5', 'libgfortran', 'libgfortran', 'gcc'),
  library(/^(?:libstdc\+\+.*)$/, 'libstdc++6', 'libstdc++', 'libstdc++', 'gcc'),
];

/** Package that brings a header (`libpq-fe.h`), a pkg-config name (`cairo`) or a library (`libpq.so.5`); null where none is known. */
export function packageOf(file: string, family: Family): string | null {
  if (family !== 'debian' && family !== 'fedora' && family !== 'alpine' && family !== 'macos') return null;
  return LIBRARIES.find(({ pattern }) => pattern.test(file))?.[family] ?? null;
}
