/** Permission bits of a file. */

/** DEF-01: whether the others-write bit is set; that others may read (644) is no finding. @param mode as `stat` gives it */
export const isWorldWritable = (mode: number): boolean => (mode & 0o002) !== 0;

/** `644`, `1777`: without the bits that tell files from folders. */
export const modeText = (mode: number): string => (mode & 0o7777).toString(8).padStart(3, '0');
