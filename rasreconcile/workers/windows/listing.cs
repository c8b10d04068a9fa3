// What lies in a run directory, as files.sh tells of it; and that no link in it is followed.
using System;
using System.IO;

// A run directory holds what no run leaves there.
class DamagedRun : Exception
{
    public DamagedRun(string message) : base(message) { }
}

static class Listing
{
    const int Most = 100001;

    // Lines `MODE SIZE CHANGED NAME`, the mode in hex.
    public static void Tell(string place, Action<string> say)
    {
        if (Directory.Exists(place) && !IsLink(place)) Tell(place, "", Most, say);
    }

    // At most `left` lines; returns how many more may come.
    static int Tell(string folder, string below, int left, Action<string> say)
    {
        FileSystemInfo[] found;
        try { found = new DirectoryInfo(folder).GetFileSystemInfos(); }
        catch (UnauthorizedAccessException) { say("4000 0 0 " + below.TrimEnd('/')); return left - 1; }
        foreach (FileSystemInfo one in found)
        {
            if (left <= 0) return 0;
            FileInfo file = one as FileInfo;
            bool isLink = (one.Attributes & FileAttributes.ReparsePoint) != 0;
            if (file == null && !isLink) { left = Tell(one.FullName, below + one.Name + "/", left, say); continue; }
            long changed = (long)(one.LastWriteTimeUtc - Runner.Epoch).TotalSeconds;
            say((isLink ? "a1ff 0 " : "81a4 " + file.Length + " ") + changed + " " + below + one.Name);
            left--;
        }
        return left;
    }

    public static void RefuseLinks(string place, string name)
    {
        string path = place;
        foreach (string part in name.Split('/'))
        {
            path = Path.Combine(path, part);
            if (!File.Exists(path) && !Directory.Exists(path)) return;
            if (IsLink(path)) throw new DamagedRun(name + " is a link; it is not followed");
        }
    }

    // A link, or a junction, may lead anywhere.
    static bool IsLink(string path)
    {
        return (File.GetAttributes(path) & FileAttributes.ReparsePoint) != 0;
    }
}
