// What only Windows can answer: processes and their job, links, desktops, and how a program outlives a connection.
// The rest of the agent knows nothing of it; C# 5, which every Windows compiles with what it has.
using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Security.Principal;
using System.Text;

static class Machine
{
    const uint KillOnClose = 0x2000;
    const int ExtendedLimits = 9;
    const int ProcessList = 3;
    const int MoreData = 234;
    const uint QueryLimited = 0x1000;
    const uint StillActive = 259;
    static IntPtr job;

    // When a process began, so that a pid that is used again, also after a restart, is not taken for it; null: it is gone.
    public static string StartOf(int pid)
    {
        IntPtr process = OpenProcess(QueryLimited, false, pid);
        if (process == IntPtr.Zero) return null;
        try
        {
            uint code;
            long created, exited, kernel, user;
            if (!GetExitCodeProcess(process, out code) || code != StillActive) return null;
            if (!GetProcessTimes(process, out created, out exited, out kernel, out user)) return null;
            return created.ToString();
        }
        finally { CloseHandle(process); }
    }

    // Fails where the target is there already: so a claim is made once.
    public static void Link(string source, string target)
    {
        if (!CreateHardLink(target, source, IntPtr.Zero)) throw Failure(target);
    }

    public static long LinksOf(string path)
    {
        using (FileStream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            FileInformation found;
            if (!GetFileInformationByHandle(file.SafeFileHandle.DangerousGetHandle(), out found)) throw Failure(path);
            return found.Links;
        }
    }

    // From now on every child belongs to this process's job, and the kernel ends them all when this process ends.
    public static void Contain(string run)
    {
        job = CreateJobObject(IntPtr.Zero, null);
        if (job == IntPtr.Zero) throw Failure("a job object");
        Limits limits = new Limits();
        limits.Basic.Flags = KillOnClose;
        if (!SetInformationJobObject(job, ExtendedLimits, ref limits, (uint)Marshal.SizeOf(typeof(Limits))))
            throw Failure("the limits of a job object");
        if (!AssignProcessToJobObject(job, GetCurrentProcess())) throw Failure("the runner's job object");
    }

    // Who else is in the job. Windows tells as many as fit, so there is always more room than it asked for.
    public static List<int> Members()
    {
        int self = Process.GetCurrentProcess().Id;
        List<int> found = new List<int>();
        for (int room = 256; ; room *= 4)
        {
            int size = 8 + room * IntPtr.Size;
            IntPtr list = Marshal.AllocHGlobal(size);
            try
            {
                if (!QueryInformationJobObject(job, ProcessList, list, (uint)size, IntPtr.Zero))
                {
                    if (Marshal.GetLastWin32Error() == MoreData) continue;
                    throw Failure("the processes of the job");
                }
                int count = Marshal.ReadInt32(list, 4);
                for (int at = 0; at < count; at++)
                {
                    int pid = (int)Marshal.ReadIntPtr(list, 8 + at * IntPtr.Size).ToInt64();
                    if (pid != self) found.Add(pid);
                }
                return found;
            }
            finally { Marshal.FreeHGlobal(list); }
        }
    }

    // Children begin with the class of their parent. The runner's own thread stays ahead of them.
    public static void Prioritize(string priority)
    {
        ProcessPriorityClass wanted = ProcessPriorityClass.Normal;
        if (priority == "low") wanted = ProcessPriorityClass.Idle;
        if (priority == "below normal") wanted = ProcessPriorityClass.BelowNormal;
        Process.GetCurrentProcess().PriorityClass = wanted;
        System.Threading.Thread.CurrentThread.Priority = System.Threading.ThreadPriority.Highest;
    }

    // What the kernel ends with the runner needs no sweeping.
    public static void Sweep(string run) { }

    // sshd ends what it started. The task scheduler and WMI start what is nobody's: in the desktop session, or without one.
    public static void Launch(string runner, string directory, string run, string session)
    {
        if (session == "here")
        {
            // From within the desktop session: its runner outlives who starts it.
            ProcessStartInfo asked = new ProcessStartInfo(runner, "run \"" + directory + "\"");
            asked.UseShellExecute = false;
            asked.CreateNoWindow = true;
            asked.WorkingDirectory = Path.GetDirectoryName(runner);
            using (Process process = Process.Start(asked)) return;
        }
        if (session == "none")
        {
            string line = "\"" + runner + "\" run \"" + directory + "\"";
            string script = "$made = Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{CommandLine='"
                + line.Replace("'", "''") + "'}; exit $made.ReturnValue";
            Call("powershell.exe", "-NoProfile -NonInteractive -EncodedCommand "
                + Convert.ToBase64String(Encoding.Unicode.GetBytes(script)));
            return;
        }
        string described = Path.Combine(directory, "launch.xml");
        File.WriteAllText(described, TaskText(Me(), runner, directory), Encoding.Unicode);
        Call("schtasks.exe", "/create /f /tn " + TaskOf(run) + " /xml \"" + described + "\"");
        Call("schtasks.exe", "/run /tn " + TaskOf(run));
    }

    // Programs of the agent's source, each compiled aside; the compiler is that of every Windows.
    public static void Compile(string sources, string program, string target)
    {
        string compiler = Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "csc.exe");
        int code;
        string said = Run(compiler, "/nologo /optimize /target:" + target + " \"/out:" + program + "\" \"" + sources + "\\*.cs\"", out code);
        if (code != 0) throw new IOException(compiler + " exited with " + code + ": " + said);
    }

    // Another agent, which outlives this one.
    public static void StartAgent(string program, string folder)
    {
        ProcessStartInfo asked = new ProcessStartInfo(program, "watch \"" + folder.TrimEnd('\\') + "\\.\"");
        asked.UseShellExecute = false;
        asked.CreateNoWindow = true;
        using (Process process = Process.Start(asked)) return;
    }

    // Titles of the windows that these processes show.
    public static List<string> OpenWindows(List<int> processes)
    {
        List<string> found = new List<string>();
        EnumWindows(delegate(IntPtr window, IntPtr unused)
        {
            int owner;
            GetWindowThreadProcessId(window, out owner);
            if (!processes.Contains(owner) || !IsWindowVisible(window)) return true;
            StringBuilder title = new StringBuilder(200);
            GetWindowText(window, title, title.Capacity);
            string said = title.ToString().Replace('\n', ' ').Replace('\r', ' ').Trim();
            if (said.Length > 0 && !found.Contains(said)) found.Add(said);
            return true;
        }, IntPtr.Zero);
        return found;
    }

    public static int SessionId() { return Process.GetCurrentProcess().SessionId; }

    // Once the run is over. Where there was no such task it is gone all the same.
    public static void Forget(string run)
    {
        int code;
        Run("schtasks.exe", "/delete /f /tn " + TaskOf(run), out code);
    }

    // `DOMAIN\user` of everyone with a desktop, also one that is locked or disconnected.
    public static List<string> Desktops()
    {
        List<string> found = new List<string>();
        IntPtr sessions;
        int count;
        if (!WTSEnumerateSessions(IntPtr.Zero, 0, 1, out sessions, out count)) throw Failure("the sessions");
        try
        {
            for (int at = 0; at < count; at++)
            {
                IntPtr place = new IntPtr(sessions.ToInt64() + at * Marshal.SizeOf(typeof(Session)));
                Session one = (Session)Marshal.PtrToStructure(place, typeof(Session));
                string user = Told(one.Id, 5);
                // Session 0 is that of the services.
                if (one.Id != 0 && user.Length > 0) found.Add(Told(one.Id, 7) + "\\" + user);
            }
        }
        finally { WTSFreeMemory(sessions); }
        return found;
    }

    public static string Me() { return WindowsIdentity.GetCurrent().Name; }

    static string Told(int session, int what)
    {
        IntPtr text;
        int size;
        if (!WTSQuerySessionInformation(IntPtr.Zero, session, what, out text, out size)) return "";
        try { return Marshal.PtrToStringUni(text) ?? ""; }
        finally { WTSFreeMemory(text); }
    }

    static string TaskOf(string run) { return "rasreconcile-" + run; }

    static string TaskText(string user, string runner, string directory)
    {
        // Priority 5 is that of a program somebody starts; what a task gets by itself is below normal.
        return "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n"
            + "<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n"
            + "<Principals><Principal id=\"Author\"><UserId>" + Escaped(user) + "</UserId>"
            + "<LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n"
            + "<Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>"
            + "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>"
            + "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries><AllowHardTerminate>true</AllowHardTerminate>"
            + "<StartWhenAvailable>false</StartWhenAvailable><Enabled>true</Enabled><Hidden>true</Hidden>"
            + "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit><Priority>5</Priority></Settings>\n"
            + "<Actions Context=\"Author\"><Exec><Command>" + Escaped(runner) + "</Command><Arguments>run \""
            + Escaped(directory) + "\"</Arguments></Exec></Actions>\n</Task>\n";
    }

    static string Escaped(string text) { return System.Security.SecurityElement.Escape(text); }

    static void Call(string program, string arguments)
    {
        int code;
        string said = Run(program, arguments, out code);
        if (code != 0) throw new IOException(program + " exited with " + code + ": " + said);
    }

    static string Run(string program, string arguments, out int code)
    {
        ProcessStartInfo asked = new ProcessStartInfo(Path.Combine(Environment.SystemDirectory, program), arguments);
        if (program == "powershell.exe")
            asked.FileName = Path.Combine(Environment.SystemDirectory, "WindowsPowerShell\\v1.0\\powershell.exe");
        asked.UseShellExecute = false;
        asked.CreateNoWindow = true;
        asked.RedirectStandardInput = true;
        asked.RedirectStandardOutput = true;
        asked.RedirectStandardError = true;
        using (Process process = Process.Start(asked))
        {
            process.StandardInput.Close();
            StringBuilder said = new StringBuilder();
            process.ErrorDataReceived += delegate(object sender, DataReceivedEventArgs line) { said.Append(line.Data); };
            process.BeginErrorReadLine();
            string printed = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            code = process.ExitCode;
            return (said.ToString() + " " + printed).Trim();
        }
    }

    static IOException Failure(string what)
    {
        Win32Exception error = new Win32Exception(Marshal.GetLastWin32Error());
        return new IOException(what + ": " + error.Message, unchecked((int)0x80070000) | error.NativeErrorCode);
    }

    [StructLayout(LayoutKind.Sequential)]
    struct BasicLimits
    {
        public long ProcessTime, JobTime;
        public uint Flags;
        public UIntPtr LeastWorkingSet, MostWorkingSet;
        public uint ActiveProcesses;
        public UIntPtr Affinity;
        public uint PriorityClass, SchedulingClass;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Limits
    {
        public BasicLimits Basic;
        public ulong Reads, Writes, Others, BytesRead, BytesWritten, BytesOther;
        public UIntPtr ProcessMemory, JobMemory, PeakProcessMemory, PeakJobMemory;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct FileInformation
    {
        public uint Attributes, CreatedLow, CreatedHigh, ReadLow, ReadHigh, WrittenLow, WrittenHigh;
        public uint Volume, SizeHigh, SizeLow, Links, IndexHigh, IndexLow;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Session
    {
        public int Id;
        public IntPtr Station;
        public int State;
    }

    [DllImport("kernel32.dll", SetLastError = true)]
    static extern IntPtr OpenProcess(uint access, bool inherit, int pid);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool GetExitCodeProcess(IntPtr process, out uint code);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool GetProcessTimes(IntPtr process, out long created, out long exited, out long kernel, out long user);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool CloseHandle(IntPtr handle);
    [DllImport("kernel32.dll")]
    static extern IntPtr GetCurrentProcess();
    [DllImport("kernel32.dll", SetLastError = true, CharSet = CharSet.Unicode, EntryPoint = "CreateHardLinkW")]
    static extern bool CreateHardLink(string target, string source, IntPtr security);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool GetFileInformationByHandle(IntPtr file, out FileInformation found);
    [DllImport("kernel32.dll", SetLastError = true, CharSet = CharSet.Unicode, EntryPoint = "CreateJobObjectW")]
    static extern IntPtr CreateJobObject(IntPtr security, string name);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool SetInformationJobObject(IntPtr job, int kind, ref Limits limits, uint size);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool AssignProcessToJobObject(IntPtr job, IntPtr process);
    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool QueryInformationJobObject(IntPtr job, int kind, IntPtr list, uint size, IntPtr needed);
    [DllImport("wtsapi32.dll", SetLastError = true, CharSet = CharSet.Unicode, EntryPoint = "WTSEnumerateSessionsW")]
    static extern bool WTSEnumerateSessions(IntPtr server, int reserved, int version, out IntPtr sessions, out int count);
    [DllImport("wtsapi32.dll", SetLastError = true, CharSet = CharSet.Unicode, EntryPoint = "WTSQuerySessionInformationW")]
    static extern bool WTSQuerySessionInformation(IntPtr server, int session, int what, out IntPtr text, out int size);
    delegate bool EachWindow(IntPtr window, IntPtr unused);
    [DllImport("user32.dll")]
    static extern bool EnumWindows(EachWindow call, IntPtr unused);
    [DllImport("user32.dll")]
    static extern int GetWindowThreadProcessId(IntPtr window, out int process);
    [DllImport("user32.dll")]
    static extern bool IsWindowVisible(IntPtr window);
    [DllImport("user32.dll", CharSet = CharSet.Unicode, EntryPoint = "GetWindowTextW")]
    static extern int GetWindowText(IntPtr window, StringBuilder text, int room);
    [DllImport("wtsapi32.dll")]
    static extern void WTSFreeMemory(IntPtr memory);
}
