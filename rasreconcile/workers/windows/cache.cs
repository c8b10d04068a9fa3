// The cache of a worker's folder, and the run directories that are made from it.
//
// A file in the cache is whole, is named by its digest, and was last changed one second after the epoch: a job that wrote
// to one through a link gave it another time. When it was last used is written down as its time of access.
using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

sealed class Cache
{
    const int Silence = 40000;
    static readonly DateTime Untouched = Runner.Epoch.AddSeconds(1);
    readonly string folder;
    readonly string cache;
    readonly Stream input;

    public Cache(string folder, Stream input)
    {
        this.folder = folder;
        this.cache = Path.Combine(folder, "cache");
        this.input = input;
    }

    string PlaceOf(string digest) { return Path.Combine(Path.Combine(cache, digest.Substring(0, 2)), digest); }

    // `SIZE SECONDS DIGEST` of one that is there.
    public void Tell(string digest, Action<string> say)
    {
        FileInfo found = new FileInfo(PlaceOf(digest));
        if (!found.Exists) return;
        long seconds = (long)Math.Floor((found.LastWriteTimeUtc - Runner.Epoch).TotalSeconds);
        say(found.Length + " " + seconds + " " + digest);
    }

    // Takes a tar of small files that are named by their digests.
    public void Stock(string token)
    {
        string aside = Path.Combine(folder, "." + token + ".in");
        Directory.CreateDirectory(aside);
        try
        {
            Unpack(aside);
            Keep(aside);
        }
        finally { Agent.RemoveTree(aside); }
    }

    // Takes a tar of control files, small files for the cache under in/, and `links`: lines `KIND SIZE DIGEST NAME`.
    public void Assemble(string run, string token, Action<string> say)
    {
        string place = Path.Combine(folder, run), aside = Path.Combine(folder, "." + run + "." + token + ".new");
        if (Directory.Exists(place))
        {
            input.CopyTo(Stream.Null);
            return;
        }
        Directory.CreateDirectory(Path.Combine(aside, "work"));
        try
        {
            Unpack(aside);
            Keep(aside);
            string links = Path.Combine(aside, "links");
            foreach (string line in File.ReadAllLines(links, new UTF8Encoding(false)))
            {
                string[] words = line.Split(new char[] { ' ' }, 4);
                string name = words[3].Replace('/', Path.DirectorySeparatorChar);
                if (!Put(words[0], long.Parse(words[1]), words[2], Path.Combine(Path.Combine(aside, "work"), name)))
                {
                    // Somebody made room between the two, or a job wrote to it through a link.
                    say("gone " + words[2]);
                    return;
                }
            }
            File.Delete(links);
            // Another starter may have been quicker: its directory holds the same bytes.
            try { Directory.Move(aside, place); }
            catch (IOException) { if (!Directory.Exists(place)) throw; }
        }
        finally { Agent.RemoveTree(aside); }
    }

    bool Put(string kind, long size, string digest, string target)
    {
        string source = PlaceOf(digest);
        FileInfo found = new FileInfo(source);
        if (!found.Exists || found.Length != size || found.LastWriteTimeUtc != Untouched) return false;
        Directory.CreateDirectory(Path.GetDirectoryName(target));
        File.SetLastAccessTimeUtc(source, DateTime.UtcNow);
        // A file that the job may write to is never a link into the cache.
        if (kind != "own")
        {
            try { Machine.Link(source, target); return true; }
            catch (IOException) { /* this disk takes no links, or no more of them: copied */ }
        }
        using (FileStream read = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        using (FileStream write = new FileStream(target, FileMode.CreateNew, FileAccess.Write))
        {
            read.CopyTo(write, 1 << 18);
            // A directory that is there is whole, also when the power fails now.
            write.Flush(true);
        }
        return true;
    }

    // From in/ to their places; flushed already, because from now on they are believed for their names.
    void Keep(string aside)
    {
        string arrived = Path.Combine(aside, "in");
        if (!Directory.Exists(arrived)) return;
        foreach (string path in Directory.GetFiles(arrived))
        {
            string digest = Path.GetFileName(path);
            using (FileStream file = File.OpenRead(path))
            using (SHA256 sum = SHA256.Create())
                if (Runner.Hex(sum.ComputeHash(file)) != digest) throw new IOException(digest + " arrived damaged");
            Settle(path, digest);
        }
        Directory.Delete(arrived, true);
    }

    void Settle(string path, string digest)
    {
        string place = PlaceOf(digest);
        File.SetLastWriteTimeUtc(path, Untouched);
        Directory.CreateDirectory(Path.GetDirectoryName(place));
        // Not replaced in one step, which .NET cannot: between the two it is missing, and is put there again.
        if (File.Exists(place)) File.Delete(place);
        try { File.Move(path, place); }
        catch (IOException) { if (!File.Exists(place)) throw; }
    }

    // Proves a part that was written through a share, and gives it its name.
    public void KeepPart(string digest, long size, Action<string> say)
    {
        string part = Path.Combine(Path.GetDirectoryName(PlaceOf(digest)), "." + digest + ".part");
        if (!File.Exists(part)) { say(File.Exists(PlaceOf(digest)) ? "arrived" : "absent"); return; }
        string found;
        using (FileStream file = new FileStream(part, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, 1 << 18))
        using (SHA256 sum = SHA256.Create())
        {
            if (file.Length < size) { say("cut"); return; }
            file.Flush(true);
            found = file.Length == size ? Runner.Hex(sum.ComputeHash(file)) : "";
        }
        if (found == digest) Settle(part, digest);
        else File.Delete(part);
        say(found == digest ? "arrived" : "wrong");
    }

    // Takes one large file: says from where on it wants it, takes that, and says how it arrived.
    public void Receive(string digest, long size, Action<string> say)
    {
        string place = PlaceOf(digest);
        string part = Path.Combine(Path.GetDirectoryName(place), "." + digest + ".part");
        Directory.CreateDirectory(Path.GetDirectoryName(place));
        FileStream file;
        try { file = new FileStream(part, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 18); }
        catch (IOException)
        {
            // Whoever has it open sends it; the file system gives it back when that process ends.
            if (!File.Exists(part)) throw;
            say("busy " + new FileInfo(part).Length);
            return;
        }
        string verdict;
        using (file) verdict = Take(file, digest, size, say);
        if (verdict == "wrong") File.Delete(part);
        if (verdict == "arrived") Settle(part, digest);
        say(verdict);
    }

    string Take(FileStream file, string digest, long size, Action<string> say)
    {
        if (file.Length > size) file.SetLength(0);
        long free = new DriveInfo(Path.GetPathRoot(cache)).AvailableFreeSpace;
        if (size - file.Length >= free) throw new IOException(file.Name + ": No space left on device");
        say("from " + file.Length);
        // What is here already is read once more: the digest is that of the whole.
        using (SHA256 sum = SHA256.Create())
        using (Timer watch = new Timer(delegate(object state) { Environment.Exit(1); }))
        {
            byte[] chunk = new byte[1 << 18];
            for (int got; (got = file.Read(chunk, 0, chunk.Length)) > 0;) sum.TransformBlock(chunk, 0, got, null, 0);
            while (true)
            {
                // Who sends nothing for so long sits at the end of a link that is cut: the part must not stay locked.
                watch.Change(Silence, Timeout.Infinite);
                int got = input.Read(chunk, 0, chunk.Length);
                watch.Change(Timeout.Infinite, Timeout.Infinite);
                if (got <= 0) break;
                file.Write(chunk, 0, got);
                sum.TransformBlock(chunk, 0, got, null, 0);
            }
            sum.TransformFinalBlock(chunk, 0, 0);
            file.Flush(true);
            if (file.Length < size) return "cut";
            return file.Length == size && Runner.Hex(sum.Hash) == digest ? "arrived" : "wrong";
        }
    }

    // The files of a tar on the input, each flushed.
    void Unpack(string into)
    {
        byte[] head = new byte[512];
        while (Fill(input, head, 512) == 512 && head[0] != 0)
        {
            string name = Encoding.UTF8.GetString(head, 0, Array.IndexOf(head, (byte)0, 0, 100) < 0 ? 100 : Array.IndexOf(head, (byte)0));
            long size = Convert.ToInt64(Encoding.ASCII.GetString(head, 124, 11), 8);
            string target = Path.Combine(into, name.Replace('/', Path.DirectorySeparatorChar));
            Directory.CreateDirectory(Path.GetDirectoryName(target));
            byte[] data = new byte[(size + 511) / 512 * 512];
            if (Fill(input, data, data.Length) < data.Length) throw new IOException("the parcel was cut short");
            using (FileStream file = new FileStream(target, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(data, 0, (int)size);
                file.Flush(true);
            }
        }
        if (head[0] != 0) throw new IOException("the parcel was cut short");
        input.CopyTo(Stream.Null);
    }

    // Until `wanted` bytes are there, or the end.
    public static int Fill(Stream from, byte[] into, int wanted)
    {
        int have = 0;
        for (int got; have < wanted && (got = from.Read(into, have, wanted - have)) > 0;) have += got;
        return have;
    }

    // `now SECONDS`, `run SECONDS NAME` for each folder beside the cache, `cached USED CHANGED BYTES LINKS NAME`.
    public void List(Action<string> say)
    {
        say("now " + (long)Runner.Now());
        foreach (DirectoryInfo entry in new DirectoryInfo(folder).GetDirectories())
            if (entry.Name != "cache") say("run " + Whole(entry.LastWriteTimeUtc) + " " + entry.Name);
        if (!Directory.Exists(cache)) return;
        foreach (DirectoryInfo place in new DirectoryInfo(cache).GetDirectories())
            foreach (FileInfo file in place.GetFiles())
            {
                // The part of a file has its true time; a whole one has a feigned one, and that of its making counts.
                bool isPart = file.Name.StartsWith(".");
                long changed = Whole(isPart ? file.LastWriteTimeUtc : file.CreationTimeUtc);
                long links = isPart ? 1 : Machine.LinksOf(file.FullName);
                say("cached " + Whole(file.LastAccessTimeUtc) + " " + changed + " " + file.Length + " " + links
                    + " cache/" + place.Name + "/" + file.Name);
            }
    }

    static long Whole(DateTime time) { return (long)Math.Floor((time - Runner.Epoch).TotalSeconds); }
}
