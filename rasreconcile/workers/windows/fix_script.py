"""The PowerShell that an administrator runs on a Windows host, so that a controller elsewhere can use it."""

from __future__ import annotations

from collections.abc import Sequence

_SHARE = r"""
# The folder, and who may change files in it: two rights, of the share and of the folder.
New-Item -ItemType Directory -Force -Path {folder} | Out-Null
if (-not (Get-SmbShare -Name {share} -ErrorAction SilentlyContinue)) {{
    New-SmbShare -Name {share} -Path {folder} -ChangeAccess $user | Out-Null
}}
Grant-SmbShareAccess -Name {share} -AccountName $user -AccessRight Change -Force | Out-Null
icacls {folder} /grant ($user + ':(OI)(CI)M') | Out-Null
"""
_FIREWALL = r"""
# Port 445.
Get-NetFirewallRule -Group '@FirewallAPI.dll,-28502' | Enable-NetFirewallRule
"""
_STARTING = r"""
# A local administrator is one over the network too, and the registry and the Task Scheduler answer from elsewhere.
New-ItemProperty -Force -PropertyType DWord -Value 1 -Name LocalAccountTokenFilterPolicy `
    -Path HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System | Out-Null
Set-Service -Name RemoteRegistry -StartupType Automatic; Start-Service -Name RemoteRegistry
Get-NetFirewallRule -Group '@FirewallAPI.dll,-33252' | Enable-NetFirewallRule
Add-LocalGroupMember -Group (Get-LocalGroup -SID S-1-5-32-544) -Member $user -ErrorAction SilentlyContinue
"""
_LOOK = r"""
# What only a person can put right is shown.
$csc = Join-Path $env:SystemRoot 'Microsoft.NET\Framework64\v4.0.30319\csc.exe'
if (-not (Test-Path -LiteralPath $csc)) { Write-Warning '.NET Framework 4 is not here; turn it on.' }
w32tm /resync | Out-Null
$rule = 'd1e49aac-8f56-4280-b9ba-993a6d77406c'
$defender = Get-MpPreference -ErrorAction SilentlyContinue
if ($defender -and ($defender.AttackSurfaceReductionRules_Ids -contains $rule)) {
    Write-Warning "Defender's rule $rule blocks what PsExec and WMI start: use launcher: task or none."
}
if (Get-ChildItem -Path HKLM:\SOFTWARE\Policies\Microsoft\Windows\SrpV2 -ErrorAction SilentlyContinue) {
    Write-Warning 'AppLocker is on: allow programs of .rasreconcile\bin in the folder.'
}
query session
"""
_RIGHTS = r"""
# secpol.msc, Local Policies, User Rights Assignment: $user needs `Access this computer from the network`
# (SeNetworkLogonRight), `Log on as a batch job` (SeBatchLogonRight), and, for PsExec with another user than that of the
# session, `Replace a process level token` (SeAssignPrimaryTokenPrivilege).
"""


def fix_script(*, user: str | None, folder: str, share: str | None, starts: bool) -> str:
    """`share`: its name, where runs come through one; `starts`: whether a controller starts programs there."""
    who = quoted(user) if user else "whoami"
    parts = [f"#Requires -RunAsAdministrator\n$ErrorActionPreference = 'Stop'\n$user = {who}\n"]
    if share is not None:
        parts += [_SHARE.format(folder=quoted(folder), share=quoted(share)), _FIREWALL]
    if starts:
        parts += [_STARTING, _RIGHTS]
    return _joined([*parts, _LOOK])


def quoted(text: str) -> str:
    """As PowerShell reads it back, whatever is in it; curly quotes are quotes to it too."""
    for quote in "'\u2018\u2019\u201a\u201b":
        text = text.replace(quote, quote * 2)
    return f"'{text}'"


def _joined(parts: Sequence[str]) -> str:
    return "\n".join(part.lstrip("\n") for part in parts)
