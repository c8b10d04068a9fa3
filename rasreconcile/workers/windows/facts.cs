// What a Windows host knows of itself that decides whether HEC-RAS can be run there by a controller elsewhere.
using System;
using System.IO;
using System.Security.Principal;
using Microsoft.Win32;

static class Facts
{
    // Lines `fact NAME VALUE`.
    public static void Tell(Action<string> say)
    {
        say("fact admin " + (new WindowsPrincipal(WindowsIdentity.GetCurrent()).IsInRole(WindowsBuiltInRole.Administrator) ? "yes" : "no"));
        say("fact dotnet " + Environment.Version);
        say("fact windows " + Environment.OSVersion.Version);
        Value(say, "token_filter", Registry.LocalMachine, "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System", "LocalAccountTokenFilterPolicy");
        Value(say, "remote_registry", Registry.LocalMachine, "SYSTEM\\CurrentControlSet\\Services\\RemoteRegistry", "Start");
        Value(say, "defender_rule", Registry.LocalMachine, "SOFTWARE\\Policies\\Microsoft\\Windows Defender\\Windows Defender Exploit Guard\\ASR\\Rules", "d1e49aac-8f56-4280-b9ba-993a6d77406c");
        Value(say, "applocker", Registry.LocalMachine, "SOFTWARE\\Policies\\Microsoft\\Windows\\SrpV2\\Exe", "EnforcementMode");
        RegistryKey projects = Registry.CurrentUser.OpenSubKey("Software\\VB and VBA Program Settings");
        if (projects != null)
            foreach (string folder in projects.GetSubKeyNames())
            {
                RegistryKey key = projects.OpenSubKey(folder + "\\ras.exe\\Projects");
                if (key != null && key.GetValue("System Statistic") != null) say("fact terms " + folder);
            }
        string root = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFilesX86), "HEC\\HEC-RAS");
        if (Directory.Exists(root))
            foreach (string folder in Directory.GetDirectories(root))
                if (File.Exists(Path.Combine(folder, "Ras.exe"))) say("fact hecras " + Path.GetFileName(folder));
    }

    static void Value(Action<string> say, string fact, RegistryKey root, string key, string name)
    {
        try
        {
            RegistryKey found = root.OpenSubKey(key);
            object value = found == null ? null : found.GetValue(name);
            say("fact " + fact + " " + (value == null ? "unset" : value.ToString()));
        }
        catch (System.Security.SecurityException) { say("fact " + fact + " unreadable"); }
    }
}
