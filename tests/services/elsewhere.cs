// In place of machine.cs where the agent is compiled here, by mono: what only Windows can answer, answered by Linux.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

static class Machine
{
    static string mark = "";

    public static string StartOf(int pid)
    {
        try
        {
            string stat = File.ReadAllText("/proc/" + pid + "/stat");
            string[] fields = stat.Substring(stat.LastIndexOf(") ") + 2).Split(' ');
            return fields[0] == "Z" || fields[0] == "X" ? null : fields[19];
        }
        catch (IOException) { return null; }
    }

    public static void Link(string source, string target)
    {
        if (link(source, target) != 0) throw new IOException(target + ": error " + Marshal.GetLastWin32Error());
    }

    public static long LinksOf(string path) { return long.Parse(Printed("/usr/bin/stat", "-c %h \"" + path + "\"")); }

    public static void Contain(string run) { mark = "RASRECONCILE_RUN=" + run + "."; }

    public static List<int> Members()
    {
        List<int> found = new List<int>();
        foreach (string place in Directory.GetDirectories("/proc"))
        {
            int pid;
            if (!int.TryParse(Path.GetFileName(place), out pid) || pid == Process.GetCurrentProcess().Id) continue;
            try
            {
                string marks = Encoding.UTF8.GetString(File.ReadAllBytes(place + "/environ"));
                if (marks.Contains(mark) && StartOf(pid) != null) found.Add(pid);
            }
            catch (IOException) { }
            catch (UnauthorizedAccessException) { }
        }
        return found;
    }

    public static void Prioritize(string priority)
    {
        if (priority != "normal") Printed("/usr/bin/renice", "-n 10 -p " + Process.GetCurrentProcess().Id);
    }

    // Here the kernel does not end the job with its runner.
    public static void Sweep(string run)
    {
        Contain(run);
        foreach (int pid in Members()) kill(pid, 9);
    }

    public static void Launch(string runner, string directory, string run, string session)
    {
        ProcessStartInfo asked = new ProcessStartInfo("setsid", "-f mono \"" + runner + "\" run \"" + directory + "\"");
        asked.UseShellExecute = false;
        asked.RedirectStandardInput = asked.RedirectStandardOutput = asked.RedirectStandardError = true;
        using (Process process = Process.Start(asked)) process.WaitForExit();
    }

    public static void Compile(string sources, string program, string target)
    {
        string mine = Environment.GetEnvironmentVariable("ELSEWHERE");
        File.Copy(mine, Path.Combine(sources, "machine.cs"), true);
        string said = Printed("mcs", "-langversion:5 -target:" + target + " -out:\"" + program + "\" \"" + sources + "/*.cs\"");
        if (!File.Exists(program)) throw new IOException("mcs: " + said);
    }

    public static void StartAgent(string program, string folder)
    {
        ProcessStartInfo asked = new ProcessStartInfo("setsid", "-f mono \"" + program + "\" watch \"" + folder + "\"");
        asked.UseShellExecute = false;
        using (Process process = Process.Start(asked)) process.WaitForExit();
    }

    // What a test says is on the screen.
    public static List<string> OpenWindows(List<int> processes)
    {
        string shown = Path.Combine(Environment.CurrentDirectory, "windows.shown");
        return new List<string>(File.Exists(shown) && processes.Count > 0 ? File.ReadAllLines(shown) : new string[0]);
    }

    public static int SessionId()
    {
        string said = Environment.GetEnvironmentVariable("SESSION");
        return said == null ? 2 : int.Parse(said);
    }

    public static void Forget(string run) { }

    public static List<string> Desktops()
    {
        string path = Environment.GetEnvironmentVariable("DESKTOPS");
        return new List<string>(File.Exists(path) ? File.ReadAllLines(path) : new string[0]);
    }

    public static string Me() { return "BOX\\ras"; }

    static string Printed(string program, string arguments)
    {
        ProcessStartInfo asked = new ProcessStartInfo(program, arguments);
        asked.UseShellExecute = false;
        asked.RedirectStandardOutput = true;
        using (Process process = Process.Start(asked)) return process.StandardOutput.ReadToEnd();
    }

    [DllImport("libc", SetLastError = true)]
    static extern int link(string source, string target);
    [DllImport("libc", SetLastError = true)]
    static extern int kill(int pid, int signal);
}
