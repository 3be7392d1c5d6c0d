/** On which kind of file system a path lies. */

/** Renames there are not atomic for every reader, or locks and owners mean something else. */
const NETWORK = /^(nfs\d?|cifs|smb\d?|smbfs|ceph|glusterfs|lustre|beegfs|gfs2|ocfs2|afs|9p|fuse(\..*)?|davfs|ncpfs)$/;

export interface Mount {
  point: string;
  type: string;
}

/** The mount a path lies on, by the text of `/proc/self/mountinfo`; null where it names none. */
export function mountOf(path: string, mountinfo: string): Mount | null {
  let best: Mount | null = null;
  for (const { point, type } of mounts(mountinfo)) {
    const isAbove = point === '/' || path === point || path.startsWith(`${point}/`);
    // Of two mounts on one point the later covers the earlier.
    if (isAbove && (best === null || point.length >= best.point.length)) best = { point, type };
  }
  return best;
}

/** Every mount point, by the same text: a folder of the same file system that is mounted a second time looks like any other. */
export const mountPoints = (mountinfo: string): string[] => mounts(mountinfo).map(({ point }) => point);

function mounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const rawPoint = before?.split(' ')[4];
    const type = after?.split(' ')[0];
    if (rawPoint === undefined || type === undefined) return [];
    // Blanks and backslashes stand there in octal.
    return [{ point: rawPoint.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), type }];
  });
}

/** True for file systems that other machines or a user's own program serve. */
export const isNetworkFileSystem = (type: string): boolean => NETWORK.test(type);
