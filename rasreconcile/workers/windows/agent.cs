// What a Windows host is asked to do: the same verbs and answers as host.sh, look.sh and upkeep.sh.
//
//   host.exe            on its standard input a verb, the worker's folder and arguments, a line each, an empty line, then
//                       whatever bytes the verb takes; the answer begins after a line `@rasreconcile`
//   runner.exe run DIR  the runner of a run directory
//   runner.exe watch FOLDER   serves a folder behind a share: see watch.cs
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Text;
using System.Threading;

static class Agent
{
    static readonly UTF8Encoding Text = new UTF8Encoding(false);
    const double ClaimSeconds = 20;
    // Of the question that this thread answers.
    [ThreadStatic] static Stream Input;
    [ThreadStatic] static Stream Output;

    static int Main(string[] words)
    {
        if (words.Length == 2 && words[0] == "run") return Runner.Run(Path.GetFullPath(words[1]));
        if (words.Length == 2 && words[0] == "watch") return Watch.Serve(Path.GetFullPath(words[1]));
        string said;
        int code = Answered(Console.OpenStandardInput(), Console.OpenStandardOutput(), null, out said);
        byte[] complaint = Text.GetBytes(said);
        if (code != 0) Console.OpenStandardError().Write(complaint, 0, complaint.Length);
        return code;
    }

    // Answers one question. `place`: the folder that is served, whatever the question says; null: that of the question.
    public static int Answered(Stream input, Stream output, string place, out string said)
    {
        Input = input;
        Output = output;
        said = "";
        try
        {
            List<string> asked = Asked();
            Say("@rasreconcile");
            string verb = asked[0], folder = place ?? Home(asked[1]);
            asked.RemoveRange(0, 2);
            if (verb == "found") Found(asked);
            else if (verb == "facts") Facts.Tell(Say);
            else if (verb == "problems") Problems(folder, asked[0], asked[1]);
            else if (IsThere(verb, folder)) Answer(verb, new Cache(folder, Input), folder, asked);
            else if (verb == "send") Say("absent");
            else if (verb == "look") foreach (string run in asked) Say("run " + run);
            return 0;
        }
        catch (Exception error)
        {
            said = Words(error) + "\n";
            return error is DamagedRun ? 65 : 1;
        }
    }

    // What `look` says of each of the runs.
    public static void LookAt(string folder, IEnumerable<string> runs, Stream output)
    {
        Output = output;
        foreach (string run in runs) Look(Path.Combine(folder, run), run);
    }

    static bool IsThere(string verb, string folder)
    {
        if (verb == "stock" || verb == "assemble" || verb == "receive" || verb == "keep") Directory.CreateDirectory(folder);
        // Nothing was ever started where there is no folder.
        return Directory.Exists(folder);
    }

    static void Answer(string verb, Cache cache, string folder, List<string> words)
    {
        string place = words.Count > 0 ? Path.Combine(folder, words[0]) : folder;
        switch (verb)
        {
            case "look": foreach (string run in words) Look(Path.Combine(folder, run), run); break;
            case "held": foreach (string digest in words) cache.Tell(digest, Say); break;
            case "stock": cache.Stock(words[0]); break;
            case "assemble": cache.Assemble(words[0], words[1], Say); break;
            case "keep": cache.KeepPart(words[0], long.Parse(words[1]), Say); break;
            case "receive": cache.Receive(words[0], long.Parse(words[1]), Say); break;
            case "send": Listing.RefuseLinks(place, "work/" + words[1]); Send(place, words[1], long.Parse(words[2])); break;
            case "files": Listing.Tell(place, Say); break;
            case "part_of": Listing.RefuseLinks(place, words[1]); PartOf(Join(place, words[1]), long.Parse(words[2]), long.Parse(words[3])); break;
            case "launch": if (Directory.Exists(place)) Launch(place, words[0], words[1]); break;
            case "mark": if (Directory.Exists(place)) File.AppendAllText(Path.Combine(place, words[1]), ""); break;
            case "sweep": Machine.Sweep(words[0]); break;
            case "remove": Remove(folder, words[0], words[1]); break;
            case "list": cache.List(Say); break;
            case "drop": foreach (string name in words) File.Delete(Join(Path.Combine(folder, "cache"), name)); break;
            default: throw new IOException(verb + " is no verb of this agent");
        }
    }

    // Byte by byte: what comes behind the empty line is not ours to read yet.
    static List<string> Asked()
    {
        List<string> lines = new List<string>();
        List<byte> line = new List<byte>();
        for (int one; (one = Input.ReadByte()) >= 0;)
        {
            if (one != '\n') { line.Add((byte)one); continue; }
            if (line.Count == 0) return lines;
            lines.Add(Text.GetString(line.ToArray()));
            line.Clear();
        }
        throw new IOException("the question was cut short");
    }

    public static void Say(string line)
    {
        byte[] data = Text.GetBytes(line + "\n");
        Output.Write(data, 0, data.Length);
        Output.Flush();
    }

    // In the words that the other side knows from elsewhere.
    public static string Words(Exception error)
    {
        int code = error.HResult & 0xffff;
        string said = error.Message.Trim().Replace("\r", "").Replace("\n", " ");
        // ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL
        if (error is IOException && (code == 112 || code == 39)) return said + ": No space left on device";
        if (error is UnauthorizedAccessException) return said + ": Permission denied";
        return said;
    }

    static string Home(string path)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (path == "~") return home;
        if (path.StartsWith("~/") || path.StartsWith("~\\")) path = path.Substring(2);
        // A relative folder is below the home too.
        return Path.GetFullPath(Path.Combine(home, path));
    }

    static string Join(string folder, string name)
    {
        return Path.Combine(folder, name.Replace('/', Path.DirectorySeparatorChar));
    }

    public static string Beside(string name)
    {
        string self = typeof(Agent).Assembly.Location;
        string mine = Path.GetFileName(self);
        return Path.Combine(Path.GetDirectoryName(self), name + mine.Substring(mine.IndexOf('-')));
    }

    static void Look(string place, string run)
    {
        Say("run " + run);
        if (!Directory.Exists(place)) return;
        Say("directory");
        string started = Contents(Path.Combine(place, "started")), done = Path.Combine(place, "done.json");
        if (started != null)
        {
            Lines("started", started);
            if (!File.Exists(done) && IsAlive(started))
            {
                Say("alive");
                Time("heartbeat", Path.Combine(place, "heartbeat"));
                Time("growth", Path.Combine(place, "growth"));
                FileInfo log = new FileInfo(Path.Combine(place, "log.txt"));
                if (log.Exists) Say("log " + log.Length);
                return;
            }
        }
        else Launched(place);
        // Asked after the process: its end is written before it goes.
        if (File.Exists(Path.Combine(place, "unwritten"))) Say("unwritten");
        string end = Contents(done);
        if (end != null) Lines("done", end);
    }

    // Of a run that was launched and is not claimed: whether its runner is about to begin, or why it will not any more.
    static void Launched(string place)
    {
        string launched = Path.Combine(place, "launched"), how = "late";
        if (File.Exists(Path.Combine(place, "unclaimed"))) how = "failed";
        else if (File.Exists(launched))
        {
            double age = (DateTime.UtcNow - File.GetLastWriteTimeUtc(launched)).TotalSeconds;
            if (age >= 0 && age < ClaimSeconds) { Say("queued"); return; }
        }
        else return;
        string[] said = (Contents(Path.Combine(place, "runner.err")) ?? "").Trim().Split('\n');
        Say(how + " " + said[said.Length - 1]);
    }

    static bool IsAlive(string claim)
    {
        int pid = -1;
        string start = null;
        foreach (string line in claim.Split('\n'))
        {
            if (line.StartsWith("pid ")) int.TryParse(line.Substring(4), out pid);
            if (line.StartsWith("start ")) start = line.Substring(6);
        }
        return pid > 0 && start != null && Machine.StartOf(pid) == start;
    }

    public static string Contents(string path)
    {
        try
        {
            using (FileStream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
            using (StreamReader reader = new StreamReader(file, Text)) return reader.ReadToEnd();
        }
        catch (FileNotFoundException) { return null; }
        catch (DirectoryNotFoundException) { return null; }
    }

    static void Lines(string word, string text)
    {
        foreach (string line in text.TrimEnd('\n').Split('\n')) Say(word + " " + line);
    }

    static void Time(string word, string path)
    {
        if (File.Exists(path)) Say(word + " " + Runner.Seconds((File.GetLastWriteTimeUtc(path) - Runner.Epoch).TotalSeconds));
    }

    // The runner is then nobody's child, and in no session of sshd's.
    public static void Launch(string place, string run, string session)
    {
        // One that watches a folder is in the desktop session itself.
        bool isThere = session != "desktop";
        foreach (string name in Machine.Desktops())
            isThere |= string.Equals(name, Machine.Me(), StringComparison.OrdinalIgnoreCase);
        if (!isThere) throw new IOException("nobody is logged on as " + Machine.Me() + ": HEC-RAS needs a desktop");
        // Of an earlier start.
        File.Delete(Path.Combine(place, "unclaimed"));
        Machine.Launch(Beside("runner"), place, run, session);
        string launched = Path.Combine(place, "launched");
        // Without the mark, as on a full disk, a run that is not claimed yet is started once more, which does no harm.
        try { File.WriteAllText(launched, ""); File.SetLastWriteTimeUtc(launched, DateTime.UtcNow); }
        catch (IOException) { }
    }

    // `file SIZE OFFSET HOW DONE`, then DONE bytes of done.json, then the file from OFFSET on.
    static void Send(string place, string name, long offset)
    {
        string path = Join(Path.Combine(place, "work"), name);
        if (!File.Exists(path)) { Say("absent"); return; }
        byte[] end = new byte[0];
        if (File.Exists(Path.Combine(place, "done.json"))) end = File.ReadAllBytes(Path.Combine(place, "done.json"));
        using (FileStream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            long size = file.Length;
            if (offset > size) offset = 0;
            bool packed = size - offset > 4194304 && IsWorthPacking(file, offset + (size - offset) / 2);
            Say("file " + size + " " + offset + (packed ? " gzip " : " plain ") + end.Length);
            Output.Write(end, 0, end.Length);
            file.Position = offset;
            if (packed)
                using (GZipStream pack = new GZipStream(Output, CompressionLevel.Fastest, true)) file.CopyTo(pack, 1 << 18);
            else file.CopyTo(Output, 1 << 18);
            Output.Flush();
        }
    }

    // Where a sample from the middle shrinks to less than a third: docs/decisions/0020.
    static bool IsWorthPacking(FileStream file, long middle)
    {
        byte[] sample = new byte[1048576];
        file.Position = middle;
        int size = Cache.Fill(file, sample, sample.Length);
        using (MemoryStream packed = new MemoryStream())
        {
            using (GZipStream pack = new GZipStream(packed, CompressionLevel.Fastest, true)) pack.Write(sample, 0, size);
            return packed.Length < 349525;
        }
    }

    static void PartOf(string path, long offset, long limit)
    {
        if (!File.Exists(path)) return;
        using (FileStream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            file.Position = offset;
            byte[] part = new byte[(int)Math.Max(0, Math.Min(limit, file.Length - offset))];
            Output.Write(part, 0, Cache.Fill(file, part, part.Length));
            Output.Flush();
        }
    }

    // It disappears in one step; then what a death in making or removing it left.
    static void Remove(string folder, string run, string token)
    {
        string place = Path.Combine(folder, run);
        if (Directory.Exists(place))
            Patiently(delegate() { Directory.Move(place, Path.Combine(folder, "." + run + "." + token + ".gone")); });
        foreach (string left in Directory.GetDirectories(folder, "." + run + ".*"))
            if (left.EndsWith(".gone") || left.EndsWith(".new")) Patiently(delegate() { RemoveTree(left); });
        Machine.Forget(run);
    }

    public static void RemoveTree(string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (FileInfo file in new DirectoryInfo(folder).GetFiles("*", SearchOption.AllDirectories))
            if (file.IsReadOnly) file.IsReadOnly = false;
        Directory.Delete(folder, true);
    }

    // A scanner, a viewer, or a process that is about to end may hold a file for a moment.
    public static void Patiently(ThreadStart act)
    {
        for (Stopwatch clock = Stopwatch.StartNew(); ; Thread.Sleep(200))
        {
            try { act(); return; }
            catch (IOException) { if (clock.Elapsed.TotalSeconds > 10) throw; }
            catch (UnauthorizedAccessException) { if (clock.Elapsed.TotalSeconds > 10) throw; }
        }
    }

    static void Found(List<string> paths)
    {
        foreach (string path in paths)
        {
            string place = path.StartsWith("~") ? Home(path) : path;
            if (File.Exists(place) || Directory.Exists(place)) Say(path);
        }
    }

    // Lines `echo PROBE`, `clock SECONDS`, `me NAME`, `desktop NAME`, `longest CHARACTERS`, `folder WHY`, `links no`,
    // `free KILOBYTES`.
    static void Problems(string folder, string token, string echo)
    {
        Say("echo " + echo);
        Say("clock " + Runner.Seconds(Runner.Now()));
        Say("me " + Machine.Me());
        foreach (string name in Machine.Desktops()) Say("desktop " + name);
        Say("longest " + folder.Length);
        string probe = Path.Combine(folder, ".probe." + token);
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(probe, "x");
        }
        catch (IOException error) { Say("folder " + Words(error)); return; }
        catch (UnauthorizedAccessException error) { Say("folder " + Words(error)); return; }
        try { Machine.Link(probe, probe + ".link"); }
        catch (IOException) { Say("links no"); }
        File.Delete(probe + ".link");
        File.Delete(probe);
        foreach (string left in Directory.GetDirectories(folder, ".*.in"))
            if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(left) > TimeSpan.FromDays(1)) RemoveTree(left);
        Say("free " + new DriveInfo(Path.GetPathRoot(folder)).AvailableFreeSpace / 1024);
    }
}
