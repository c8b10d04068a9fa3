// The runner of a run directory. It owns the truth about the run: whoever started it may die, the link to it may drop.
using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

sealed class Runner
{
    static readonly UTF8Encoding Text = new UTF8Encoding(false);
    readonly string place;
    readonly Dictionary<string, string> settings = new Dictionary<string, string>();
    readonly List<KeyValuePair<string, string>> steps = new List<KeyValuePair<string, string>>();
    readonly Stopwatch clock = Stopwatch.StartNew();
    double began;
    string cause = "exited";
    int code;
    double beat, grew, looked, ticked, awake;
    long leastRoom = long.MaxValue;
    string seen = "";

    Runner(string place) { this.place = place; }

    // Claims the run and runs it; where it is claimed, nothing.
    public static int Run(string place)
    {
        try
        {
            Runner runner = new Runner(place);
            runner.Read();
            if (runner.Claim()) runner.Finish();
            return 0;
        }
        catch (Exception error)
        {
            // Nobody hears what it says: it is written down, for the controller to read, as far as there is room.
            try { File.AppendAllText(Path.Combine(place, "runner.err"), error.Message.Trim() + "\n", Text); }
            catch (IOException) { }
            string launched = Path.Combine(place, "launched"), unclaimed = Path.Combine(place, "unclaimed");
            if (File.Exists(Path.Combine(place, "started"))) return 1;
            // Whoever started it may be about to write `launched`, and has not yet.
            if (File.Exists(launched) && !File.Exists(unclaimed)) File.Move(launched, unclaimed);
            else File.WriteAllText(unclaimed, "");
            return 1;
        }
    }

    string At(string name) { return Path.Combine(place, name.Replace('/', Path.DirectorySeparatorChar)); }

    void Read()
    {
        foreach (string line in File.ReadAllLines(At("settings"), Text))
        {
            int blank = line.IndexOf(' ');
            settings[line.Substring(0, blank)] = line.Substring(blank + 1);
        }
        string program = null;
        foreach (string line in File.ReadAllLines(At("steps"), Text))
        {
            int blank = line.IndexOf(' ');
            string word = line.Substring(0, blank), rest = line.Substring(blank + 1);
            if (word == "env")
            {
                int equals = rest.IndexOf('=');
                Environment.SetEnvironmentVariable(rest.Substring(0, equals), rest.Substring(equals + 1));
            }
            if (word == "program") program = rest;
            if (word == "arguments") steps.Add(new KeyValuePair<string, string>(program, rest));
        }
    }

    // The claim appears whole or not at all; a second runner finds it and leaves.
    bool Claim()
    {
        int pid = Process.GetCurrentProcess().Id;
        string aside = At("started." + pid);
        began = Now();
        Durably(aside, "pid " + pid + "\nstart " + Machine.StartOf(pid) + "\nboot windows\ntime " + Seconds(began) + "\n");
        Touch("heartbeat");
        Touch("growth");
        try { Machine.Link(aside, At("started")); }
        catch (IOException)
        {
            if (File.Exists(At("started"))) return false;
            throw;
        }
        finally { File.Delete(aside); }
        return true;
    }

    void Finish()
    {
        if (File.Exists(At("cancel")))
        {
            code = 143;
            cause = "cancelled";
        }
        else RunJob();
        MeasureRoom();
        try
        {
            // Written aside and renamed: its presence is the end.
            Durably(At("done.part"), Described(Now()));
            File.Move(At("done.part"), At("done.json"));
        }
        catch (IOException)
        {
            // A full disk leaves a word, which takes no room.
            File.Delete(At("done.part"));
            File.Move(At("heartbeat"), At("unwritten"));
            throw;
        }
        finally { Machine.Forget(settings["run"]); }
    }

    void RunJob()
    {
        Environment.SetEnvironmentVariable("RASRECONCILE_RUN", settings["run"] + ".");
        Machine.Contain(settings["run"]);
        Machine.Prioritize(settings["priority"]);
        string folder = At(Path.Combine("work", settings["folder"]));
        Directory.CreateDirectory(folder);
        Environment.CurrentDirectory = folder;
        beat = looked = ticked = Elapsed();
        grew = awake = 0;
        using (FileStream log = new FileStream(
            At("log.txt"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 1))
        {
            foreach (KeyValuePair<string, string> step in steps)
            {
                Step(step.Key, step.Value, folder, log);
                if (code != 0 || cause != "exited") return;
            }
        }
    }

    void Step(string program, string arguments, string folder, FileStream log)
    {
        ProcessStartInfo asked = new ProcessStartInfo(program, arguments);
        asked.WorkingDirectory = folder;
        asked.UseShellExecute = false;
        asked.CreateNoWindow = true;
        asked.RedirectStandardInput = true;
        asked.RedirectStandardOutput = true;
        asked.RedirectStandardError = true;
        Process process;
        try { process = Process.Start(asked); }
        catch (Win32Exception error)
        {
            byte[] said = Text.GetBytes(program + ": " + error.Message + "\n");
            log.Write(said, 0, said.Length);
            code = 127;
            return;
        }
        process.StandardInput.Close();
        Thread printed = Pump(process.StandardOutput.BaseStream, log);
        Thread complained = Pump(process.StandardError.BaseStream, log);
        while (!process.WaitForExit(250) && cause == "exited") Watch();
        if (cause == "stalled") TellWindows(log);
        // Children that outlive their parent must not write while the outputs are being hashed.
        EndJob(cause == "exited" ? 1.0 : 0.0);
        process.WaitForExit(5000);
        code = process.HasExited ? process.ExitCode : 1;
        if (cause != "exited" && code == 0) code = 143;
        printed.Join(5000);
        complained.Join(5000);
    }

    Thread Pump(Stream from, FileStream log)
    {
        Thread thread = new Thread(delegate()
        {
            byte[] chunk = new byte[65536];
            try
            {
                for (int size; (size = from.Read(chunk, 0, chunk.Length)) > 0;)
                    lock (log) { log.Write(chunk, 0, size); log.Flush(); }
            }
            catch (IOException) { /* the disk is full: the job goes on, and its digests will tell */ }
            catch (ObjectDisposedException) { /* it was ended while something still held its output */ }
        });
        thread.IsBackground = true;
        thread.Start();
        return thread;
    }

    // Heartbeat, cancel, time limit, stall; by a clock that nobody can set. It runs on while the machine sleeps:
    // for the limits a gap that is longer than the pace was slept through, and counts as one look.
    void Watch()
    {
        double now = Elapsed(), stalled = double.Parse(settings["stalled_after"], CultureInfo.InvariantCulture);
        double pace = stalled > 0 && stalled < 60 ? stalled / 4 : 15;
        awake += now - ticked > Math.Max(pace, 3) ? 0.25 : now - ticked;
        ticked = now;
        if (now - beat >= 15)
        {
            Touch("heartbeat");
            beat = now;
        }
        if (now - looked >= pace)
        {
            looked = now;
            MeasureRoom();
            string there = OutputsNow();
            if (there != seen)
            {
                seen = there;
                grew = awake;
                Touch("growth");
            }
        }
        if (File.Exists(At("cancel"))) cause = "cancelled";
        else if (awake >= double.Parse(settings["time_limit"], CultureInfo.InvariantCulture)) cause = "time limit";
        else if (stalled > 0 && awake - grew >= stalled) cause = "stalled";
    }

    // The least that was free here at any look: what the job could not write is not there, although there may be room now.
    void MeasureRoom()
    {
        try { leastRoom = Math.Min(leastRoom, new DriveInfo(Path.GetPathRoot(place)).AvailableFreeSpace); }
        catch (IOException) { /* nobody can tell */ }
        catch (ArgumentException) { /* it is on a share */ }
    }

    // A program that waits for a click: what it shows, and where, before it is ended.
    void TellWindows(FileStream log)
    {
        List<string> open = Machine.OpenWindows(Machine.Members());
        if (open.Count == 0) return;
        byte[] said = Text.GetBytes("rasreconcile: Ras.exe hangs in session " + Machine.SessionId() + " at the window \""
            + string.Join("\", \"", open.ToArray()) + "\"\n");
        try { lock (log) { log.Write(said, 0, said.Length); log.Flush(); } }
        catch (IOException) { /* the disk is full */ }
    }

    void EndJob(double grace)
    {
        for (double until = Elapsed() + grace + 5; Elapsed() < until; Thread.Sleep(100))
        {
            List<int> left = Machine.Members();
            if (left.Count == 0) return;
            if (Elapsed() < until - 5) continue;
            foreach (int pid in left)
                try { Process.GetProcessById(pid).Kill(); }
                catch (ArgumentException) { /* it is gone */ }
                catch (InvalidOperationException) { /* it is going */ }
                catch (Win32Exception) { /* it is going, and cannot be opened any more */ }
        }
    }

    // Sizes and times of all the job writes. By comparing, and not by what is newest: the clock may be set back.
    string OutputsNow()
    {
        StringBuilder found = new StringBuilder();
        List<string> paths = new List<string>(Directory.GetFiles(At("work"), "*", SearchOption.AllDirectories));
        paths.Add(At("log.txt"));
        paths.Sort(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            // Each asked by itself: in a listing Windows shows the size that a growing file had when it was opened.
            FileInfo one = new FileInfo(path);
            if (one.Exists) found.Append(path).Append(one.Length).Append(' ').Append(one.LastWriteTimeUtc.Ticks).Append('\n');
        }
        return found.ToString();
    }

    // Every output that is there, once.
    List<string> EachOutput()
    {
        List<string> found = new List<string>();
        HashSet<string> known = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string name in File.ReadAllLines(At("outputs"), Text))
        {
            if (name.IndexOfAny(new char[] { '*', '?' }) < 0)
            {
                if (File.Exists(At("work/" + name)) && known.Add(name)) found.Add(name);
                continue;
            }
            List<string> matching = new List<string>();
            Match("", name.Split('/'), 0, matching);
            matching.Sort(StringComparer.Ordinal);
            foreach (string match in matching) if (known.Add(match)) found.Add(match);
        }
        return found;
    }

    // Files below `work/` that match a pattern, folder by folder. Directory.GetFiles would take `*.tif` for `*.tiff` too.
    void Match(string below, string[] parts, int at, List<string> found)
    {
        string folder = At("work/" + below);
        if (!Directory.Exists(folder)) return;
        bool last = at == parts.Length - 1;
        string pattern = "^" + Regex.Escape(parts[at]).Replace("\\*", ".*").Replace("\\?", ".") + "$";
        string[] entries = last ? Directory.GetFiles(folder) : Directory.GetDirectories(folder);
        foreach (string entry in entries)
        {
            string name = Path.GetFileName(entry);
            if (!Regex.IsMatch(name, pattern, RegexOptions.IgnoreCase | RegexOptions.Singleline)) continue;
            if (last) found.Add(below + name);
            else Match(below + name + "/", parts, at + 1, found);
        }
    }

    string Described(double ended)
    {
        StringBuilder text = new StringBuilder();
        text.Append("{\"exit_code\": ").Append(code).Append(", \"cause\": \"").Append(cause).Append("\", \"started\": ");
        text.Append(Seconds(began)).Append(", \"ended\": ").Append(Seconds(ended));
        text.Append(", \"room\": ").Append(leastRoom == long.MaxValue ? "null" : (leastRoom >> 10).ToString());
        text.Append(", \"outputs\": {");
        string comma = "";
        foreach (string name in EachOutput())
        {
            string path = At("work/" + name);
            using (FileStream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
            using (SHA256 sum = SHA256.Create())
            {
                string digest = Hex(sum.ComputeHash(file));
                text.Append(comma).Append('"').Append(name).Append("\": {\"size\": ").Append(file.Length);
                text.Append(", \"digest\": \"").Append(digest).Append("\"}");
            }
            comma = ", ";
        }
        return text.Append("}}\n").ToString();
    }

    double Elapsed() { return clock.Elapsed.TotalSeconds; }

    void Touch(string name)
    {
        try
        {
            using (new FileStream(At(name), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { }
            File.SetLastWriteTimeUtc(At(name), DateTime.UtcNow);
        }
        catch (IOException) { /* a full disk, or somebody looks at it: the next one is in 15 s */ }
    }

    public static string Hex(byte[] digest) { return BitConverter.ToString(digest).Replace("-", "").ToLowerInvariant(); }

    public static double Now() { return (DateTime.UtcNow - Epoch).TotalSeconds; }

    public static string Seconds(double time) { return time.ToString("F3", CultureInfo.InvariantCulture); }

    public static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    static void Durably(string path, string text)
    {
        byte[] data = Text.GetBytes(text);
        using (FileStream file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read))
        {
            file.Write(data, 0, data.Length);
            file.Flush(true);
        }
    }
}
