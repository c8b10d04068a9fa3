// Serves the folder behind a share, for controllers that cannot start anything here. It belongs to a desktop session.
//
//   .rasreconcile/inbox/RUN      a tar as `assemble` takes it; claimed by rename: its run begins
//   .rasreconcile/cancel/RUN     that run is to end
//   .rasreconcile/ask/TOKEN      a question as host.exe reads it; answered in answers/TOKEN: `CODE WORDS`, then the answer
//   .rasreconcile/status         what `look` says of every run, written when it changes and every few seconds
//   .rasreconcile/wanted         the version that should serve this folder; a newer one is compiled and takes over
//
// Everything that is claimed is claimed by a rename, and a run by a link: two agents on one folder do no harm.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

sealed class Watch
{
    const int Protocol = 1;
    const double BeatSeconds = 3;
    static readonly UTF8Encoding Text = new UTF8Encoding(false);
    static readonly Regex RunName = new Regex("^[a-z0-9][a-z0-9-]{0,127}$");
    readonly string folder, desk, version;
    readonly object writing = new object();
    readonly Stopwatch clock = Stopwatch.StartNew();
    string written = "";
    volatile string beginning;
    double beat = -1000, asked;
    long beats;

    Watch(string folder)
    {
        this.folder = folder;
        desk = Path.Combine(folder, ".rasreconcile");
        string self = Path.GetFileNameWithoutExtension(typeof(Watch).Assembly.Location);
        version = self.Substring(self.IndexOf('-') + 1);
    }

    public static int Serve(string folder)
    {
        Watch watch = new Watch(folder);
        foreach (string name in new string[] { "inbox", "cancel", "ask", "answers", "failed" })
            Directory.CreateDirectory(Path.Combine(watch.desk, name));
        using (FileStream held = watch.Hold())
        {
            if (held == null) return 75;
            watch.TakeBack();
            Thread inbox = new Thread(watch.Begin);
            inbox.IsBackground = true;
            inbox.Start();
            while (!watch.IsReplaced())
            {
                watch.Questions();
                watch.Refresh(false);
                // A controller that asks will ask again; the disk of an idle machine is left in peace.
                Thread.Sleep(watch.clock.Elapsed.TotalSeconds - watch.asked < 30 ? 25 : 200);
            }
            held.Close();
            Machine.StartAgent(watch.ProgramOf(watch.Wanted()), folder);
        }
        return 0;
    }

    // The system gives it back when this process ends. One that was just replaced may hold it for a moment.
    FileStream Hold()
    {
        FileStream file = new FileStream(Path.Combine(desk, "agent.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        for (int tries = 0; tries < 20; tries++)
        {
            try { file.Lock(0, 1); return file; }
            catch (IOException) { Thread.Sleep(100); }
        }
        file.Close();
        return null;
    }

    string At(string room, string name) { return Path.Combine(Path.Combine(desk, room), name); }

    // ---- runs

    // Claimed by one that died.
    void TakeBack()
    {
        foreach (string path in Directory.GetFiles(Path.Combine(desk, "inbox"), ".*.claimed"))
        {
            string name = Path.GetFileName(path);
            string back = At("inbox", name.Substring(1, name.IndexOf('.', 1) - 1));
            try { File.Move(path, back); }
            catch (IOException) { File.Delete(path); }
        }
        foreach (string path in Directory.GetFiles(Path.Combine(desk, "ask"), ".*.claimed")) File.Delete(path);
        foreach (string path in Directory.GetFiles(Path.Combine(desk, "answers")))
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > TimeSpan.FromDays(1)) File.Delete(path);
    }

    void Begin()
    {
        while (true)
        {
            try
            {
                foreach (string path in Directory.GetFiles(Path.Combine(desk, "inbox")))
                    if (RunName.IsMatch(Path.GetFileName(path))) Begin(Path.GetFileName(path), path);
                foreach (string path in Directory.GetFiles(Path.Combine(desk, "cancel"))) Cancel(path);
            }
            catch (IOException) { /* somebody looks at it just now: once more in a moment */ }
            catch (UnauthorizedAccessException) { /* the same */ }
            Thread.Sleep(clock.Elapsed.TotalSeconds - asked < 30 ? 50 : 200);
        }
    }

    void Begin(string run, string path)
    {
        string token = Guid.NewGuid().ToString("N").Substring(0, 8), place = Path.Combine(folder, run);
        string claimed = At("inbox", "." + run + "." + token + ".claimed");
        try { File.Move(path, claimed); }
        catch (FileNotFoundException) { return; }
        string why = null;
        if (!File.Exists(Path.Combine(place, "started"))) beginning = run;
        try
        {
            using (FileStream parcel = File.OpenRead(claimed))
                new Cache(folder, parcel).Assemble(run, token, delegate(string line) { why = line; });
            if (why == null)
            {
                if (File.Exists(At("cancel", run))) File.AppendAllText(Path.Combine(place, "cancel"), "");
                if (!File.Exists(Path.Combine(place, "started"))) Agent.Launch(place, run, "here");
                File.Delete(At("failed", run));
            }
        }
        catch (Exception error) { why = Agent.Words(error); }
        if (why != null) Fail(run, why);
        beginning = null;
        // Who finds it neither here nor in the status takes it for one that never came.
        while (!Refresh(true)) Thread.Sleep(50);
        File.Delete(claimed);
    }

    void Fail(string run, string why)
    {
        // On a full disk there may be no room even for this; then the run is found nowhere, and is sent again.
        try { File.WriteAllText(At("failed", run), why + "\n", Text); }
        catch (IOException) { }
    }

    // In the thread that begins runs: what is in neither place here will not begin any more.
    void Cancel(string path)
    {
        string run = Path.GetFileName(path), place = Path.Combine(folder, run);
        if (!RunName.IsMatch(run) || File.Exists(At("inbox", run))) return;
        if (Directory.Exists(place)) File.AppendAllText(Path.Combine(place, "cancel"), "");
        File.Delete(path);
    }

    // ---- questions

    void Questions()
    {
        foreach (string path in Directory.GetFiles(Path.Combine(desk, "ask")))
        {
            string token = Path.GetFileName(path);
            if (token.StartsWith(".")) continue;
            asked = clock.Elapsed.TotalSeconds;
            string claimed = At("ask", "." + token + ".claimed");
            try { File.Move(path, claimed); }
            catch (IOException) { continue; }
            catch (UnauthorizedAccessException) { continue; }
            Thread thread = new Thread(delegate() { Reply(token, claimed); });
            thread.IsBackground = true;
            thread.Start();
        }
    }

    void Reply(string token, string claimed)
    {
        string aside = At("answers", "." + token + ".part"), said;
        try
        {
            int code;
            using (MemoryStream answer = new MemoryStream())
            {
                using (FileStream question = File.OpenRead(claimed)) code = Agent.Answered(question, answer, folder, out said);
                // What is said is said of what is: a run that was removed is no longer in the status either.
                while (!Refresh(true)) Thread.Sleep(50);
                using (FileStream file = new FileStream(aside, FileMode.Create, FileAccess.Write))
                {
                    byte[] head = Text.GetBytes(code + " " + said.Trim().Replace("\n", " ") + "\n");
                    file.Write(head, 0, head.Length);
                    answer.WriteTo(file);
                }
            }
            File.Move(aside, At("answers", token));
            File.Delete(claimed);
        }
        catch (IOException) { /* the disk is full: who asked hears nothing, and asks again */ }
    }

    // ---- status

    // False: somebody reads it just now.
    bool Refresh(bool now)
    {
        lock (writing)
        {
            try
            {
                string runs = Runs();
                double at = clock.Elapsed.TotalSeconds;
                if (runs == written && (now || at - beat < BeatSeconds)) return true;
                string text = "rasreconcile " + Protocol + " " + version + "\nbeat " + Process.GetCurrentProcess().Id + " " + beats
                    + "\ntime " + Runner.Seconds(Runner.Now()) + "\nsession " + Machine.SessionId() + "\nme " + Machine.Me() + "\n"
                    + runs + "end\n";
                string aside = Path.Combine(desk, ".status." + Process.GetCurrentProcess().Id), place = Path.Combine(desk, "status");
                File.WriteAllText(aside, text, Text);
                if (File.Exists(place)) File.Replace(aside, place, null);
                else File.Move(aside, place);
                written = runs;
                beat = at;
                beats++;
                return true;
            }
            catch (IOException) { return IsFull(); }
            catch (UnauthorizedAccessException) { return false; }
        }
    }

    // What cannot be written now cannot be waited for.
    bool IsFull()
    {
        return new DriveInfo(Path.GetPathRoot(folder)).AvailableFreeSpace < 65536;
    }

    string Runs()
    {
        List<string> names = new List<string>();
        string now = beginning;
        foreach (string path in Directory.GetDirectories(folder))
        {
            string name = Path.GetFileName(path);
            if (RunName.IsMatch(name) && name != "cache" && name != now) names.Add(name);
        }
        names.Sort(StringComparer.Ordinal);
        using (MemoryStream told = new MemoryStream())
        {
            Agent.LookAt(folder, names, told);
            StringBuilder found = new StringBuilder(Text.GetString(told.ToArray()));
            foreach (string path in Directory.GetFiles(Path.Combine(desk, "failed")))
            {
                string run = Path.GetFileName(path);
                if (names.Contains(run) || run == now) continue;
                string why = (Agent.Contents(path) ?? "").Trim();
                found.Append("run ").Append(run).Append("\ndirectory\nunmade ").Append(why).Append('\n');
            }
            if (now != null) found.Append("run ").Append(now).Append("\ndirectory\nqueued\n");
            return found.ToString();
        }
    }

    // ---- versions

    string Wanted() { return (Agent.Contents(Path.Combine(desk, "wanted")) ?? "").Trim(); }

    string ProgramOf(string which) { return Path.Combine(Path.Combine(desk, "bin"), "runner-" + which + ".exe"); }

    // Only a newer one takes over: two controllers of different versions must not replace each other's in turns.
    bool IsReplaced()
    {
        string wanted = Wanted();
        if (string.CompareOrdinal(wanted, version) <= 0) return false;
        try
        {
            string sources = Path.Combine(Path.Combine(desk, "sources"), wanted);
            if (!Directory.Exists(sources)) return false;
            Directory.CreateDirectory(Path.Combine(desk, "bin"));
            foreach (string kind in new string[] { "host", "runner" })
            {
                string program = Path.Combine(Path.Combine(desk, "bin"), kind + "-" + wanted + ".exe");
                if (File.Exists(program)) continue;
                string aside = program + "." + Process.GetCurrentProcess().Id + ".part";
                Machine.Compile(sources, aside, kind == "host" ? "exe" : "winexe");
                File.Move(aside, program);
            }
            return true;
        }
        catch (IOException error)
        {
            // It goes on as it is: check says that the version which is wanted cannot be compiled.
            try { File.WriteAllText(Path.Combine(desk, "uncompiled"), error.Message + "\n", Text); }
            catch (IOException) { }
            return false;
        }
    }
}
