# SPDX-License-Identifier: MIT
<#
.SYNOPSIS
Does the steps of docs/windows-checklist.md that need no LDPlayer, and says which were seen to hold.

.DESCRIPTION
Run it in a console that was opened as administrator, on a Windows machine without ldplayerd. The
simulator stands in for LDPlayer. Each row makes what it needs and takes it away again: services,
groups, users, folders and files of its own, all with "ldplayerd" or "ldp-check" in their names. A row
is "pass", "FAIL", or "not seen" with the reason why this machine could not show it. Ends with 1 when
a row failed.

.EXAMPLE
.\checklist.ps1 -Build C:\ldplayerd\build\windows -Msi C:\p\ldplayerd-1.0.0-x64.msi -HigherMsi C:\p\ldplayerd-1.1.0-x64.msi
.EXAMPLE
.\checklist.ps1 -Build C:\ldplayerd\build\windows -Row 15,17,39
#>
[CmdletBinding()]
param(
    # The folder of a Windows build: programs, simulator, tests.
    [Parameter(Mandatory = $true)] [string] $Build,
    # Two installers of it under two versions; without them rows 41 to 46 are not seen.
    [string] $Msi,
    [string] $HigherMsi,
    # Only these rows.
    [int[]] $Row
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$program = Join-Path $Build 'service\ldplayerd.exe'
$folder = Join-Path ([IO.Path]::GetTempPath()) ('ldp-check-' + [Guid]::NewGuid().ToString('N').Substring(0, 8))
$dataDir = Join-Path $env:ProgramData 'ldplayerd'
$script:results = @()

# --- how a row speaks ---

function Skip([string] $Why) { throw "not seen: $Why" }

function Assert([bool] $Holds, [string] $What) { if (-not $Holds) { throw $What } }

function AssertMatch([string] $Text, [string] $Pattern) {
    if ($Text -notmatch $Pattern) { throw "no '$Pattern' in: $($Text.Trim())" }
}

function Test-Row([int] $Number, [string] $Title, [scriptblock] $Steps) {
    if ($Row -and $Row -notcontains $Number) { return }
    $status = 'pass'; $why = ''
    try { & $Steps }
    catch {
        $status = 'FAIL'; $why = $_.Exception.Message
        if ($why -match '^not seen: (.*)') { $status = 'not seen'; $why = $Matches[1] }
    }
    try { Remove-Everything } catch { $status = 'FAIL'; $why += " (not taken back: $($_.Exception.Message))" }
    $script:results += [pscustomobject]@{ Row = $Number; Result = $status; Step = $Title; Why = $why }
    Write-Output ('{0,3}  {1,-8}  {2}  {3}' -f $Number, $status, $Title, $why)
}

# --- programs ---

# Output of both kinds and the exit code; no program here waits for input.
function Invoke-Program([string] $File, [string[]] $Arguments) {
    $start = New-Object Diagnostics.ProcessStartInfo
    $start.FileName = $File
    $start.Arguments = ($Arguments | ForEach-Object {
        if ($_ -match '[\s"]' -or $_ -eq '') { '"' + ($_ -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1') + '"' } else { $_ }
    }) -join ' '
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    try { $process = [Diagnostics.Process]::Start($start) }
    catch { Skip "$File cannot be started: $($_.Exception.Message)" }
    $errors = $process.StandardError.ReadToEndAsync()
    $output = $process.StandardOutput.ReadToEnd()
    $process.WaitForExit()
    [pscustomobject]@{ Code = $process.ExitCode; Text = $output + $errors.Result }
}

function Invoke-Ldplayerd([string[]] $Arguments) { Invoke-Program $program $Arguments }

function Invoke-Sc([string] $Question) {
    $done = Invoke-Program 'sc.exe' @($Question, 'ldplayerd')
    if ($done.Code -ne 0 -or -not $done.Text.Trim()) { Skip "sc.exe $Question has no answer here" }
    $done.Text
}

function Invoke-Msi([string[]] $Arguments, [string] $Log) {
    (Invoke-Program 'msiexec.exe' ($Arguments + @('/qn', '/l*v', $Log))).Code
}

function Wait-Until([scriptblock] $Condition, [int] $Seconds, [string] $What) {
    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    while (-not (& $Condition)) {
        if ([DateTime]::UtcNow -gt $end) { throw "$What did not come within $Seconds s" }
        Start-Sleep -Milliseconds 200
    }
}

# --- the service ---

function Get-FreePort {
    $listener = New-Object Net.Sockets.TcpListener ([Net.IPAddress]::Loopback), 0
    $listener.Start()
    $port = $listener.LocalEndpoint.Port
    $listener.Stop()
    $port
}

function New-Simulation {
    $place = Join-Path $folder ('ldplayer' + [Guid]::NewGuid().ToString('N').Substring(0, 4))
    $done = Invoke-Program (Join-Path $Build 'tests\simulator\ldsim.exe') @('init', $place, '--instances', '3')
    Assert ($done.Code -eq 0) "the simulator: $($done.Text)"
    Join-Path $place 'ldconsole.exe'
}

function Install-Service([string[]] $More) {
    $script:port = Get-FreePort
    $done = Invoke-Ldplayerd (@('service', 'install', '--ldconsole', (New-Simulation), '--http', "127.0.0.1:$script:port") + $More)
    Assert ($done.Code -eq 0) "service install: $($done.Text)"
}

function Start-OurService {
    $done = Invoke-Ldplayerd @('service', 'start')
    Assert ($done.Code -eq 0) "service start: $($done.Text)"
}

function Get-ServiceProcess {
    $status = (Invoke-Ldplayerd @('service', 'status', '--format', 'json')).Text | ConvertFrom-Json
    if ($status.PSObject.Properties['pid'] -and $status.pid) { [int] $status.pid } else { 0 }
}

function Test-Installed { (Invoke-Program 'sc.exe' @('query', 'ldplayerd')).Code -eq 0 }

# Takes back what a row may have left; each part is no error when it is not there.
function Remove-Everything {
    foreach ($package in @($HigherMsi, $Msi)) {
        if ($package -and (Test-Path -LiteralPath (Join-Path $env:ProgramFiles 'ldplayerd'))) {
            [void] (Invoke-Program 'msiexec.exe' @('/x', $package, '/qn', 'REMOVE_DATA=1'))
        }
    }
    if (Test-Installed) { [void] (Invoke-Ldplayerd @('service', 'uninstall')) }
    [void] (Invoke-Program 'net.exe' @('localgroup', 'ldplayerd-operators', '/delete'))
    [void] (Invoke-Program 'net.exe' @('user', 'ldp-check', '/delete'))
    if (Test-Path -LiteralPath $dataDir) { Remove-Item -LiteralPath $dataDir -Recurse -Force }
    Assert (-not (Test-Installed)) 'the service is still there'
}

# --- the pipe and other users ---

# One request; the answer as text.
function Send-Request([string] $Text) {
    $level = [Security.Principal.TokenImpersonationLevel]::Identification
    $pipe = New-Object IO.Pipes.NamedPipeClientStream '.', 'ldplayerd', 'InOut', 'None', $level
    try {
        $pipe.Connect(5000)
        $bytes = [Text.Encoding]::ASCII.GetBytes($Text)
        $pipe.Write($bytes, 0, $bytes.Length)
        $buffer = New-Object byte[] 8192
        [Text.Encoding]::UTF8.GetString($buffer, 0, $pipe.Read($buffer, 0, $buffer.Length))
    }
    finally { $pipe.Dispose() }
}

function Get-RequestText([string] $Method, [string] $Path) {
    "$Method $Path HTTP/1.1`r`nHost: localhost`r`nContent-Length: 0`r`nConnection: close`r`n`r`n"
}

# A user who is no administrator, for as long as the row.
function New-LesserUser {
    $word = 'Ldp-' + [Guid]::NewGuid().ToString('N').Substring(0, 8)
    $done = Invoke-Program 'net.exe' @('user', 'ldp-check', $word, '/add')
    if ($done.Code -ne 0) { Skip "no user can be made here: $($done.Text.Trim())" }
    try { [void] (New-Object Security.Principal.NTAccount 'ldp-check').Translate([Security.Principal.SecurityIdentifier]) }
    catch { Skip 'the user that was made is not known here' }
    New-Object Management.Automation.PSCredential 'ldp-check', (ConvertTo-SecureString $word -AsPlainText -Force)
}

# What a command of Windows PowerShell prints that this user runs.
function Invoke-AsUser([Management.Automation.PSCredential] $User, [string] $Command) {
    $out = Join-Path $env:PUBLIC ('ldp-check-' + [Guid]::NewGuid().ToString('N') + '.txt')
    $full = "try { $Command } catch { `$_.Exception.Message } | Out-File -LiteralPath '$out'"
    $encoded = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($full))
    try {
        Start-Process powershell.exe -Credential $User -WorkingDirectory $env:PUBLIC -Wait -WindowStyle Hidden `
            -ArgumentList '-NoProfile', '-EncodedCommand', $encoded
        Get-Content -LiteralPath $out -Raw
    }
    catch { Skip "nothing can be run as another user: $($_.Exception.Message)" }
    finally { Remove-Item -LiteralPath $out -Force -ErrorAction SilentlyContinue }
}

function Get-AskText([string] $Method, [string] $Path) {
    "`$p = New-Object IO.Pipes.NamedPipeClientStream '.','ldplayerd','InOut','None','Identification'; `$p.Connect(5000); " +
    "`$t = [Text.Encoding]::ASCII.GetBytes(('$Method $Path HTTP/1.1{0}Host: x{0}Content-Length: 0{0}{0}' -f ([char]13 + [string][char]10))); " +
    "`$p.Write(`$t,0,`$t.Length); `$b = New-Object byte[] 8192; [Text.Encoding]::UTF8.GetString(`$b,0,`$p.Read(`$b,0,8192))"
}

# --- rows: the service ---

if ((Test-Installed) -or (Test-Path -LiteralPath $dataDir)) {
    throw "ldplayerd, or data of it in $dataDir, is on this machine, and this script would take it away: use another one"
}
[void] (New-Item -ItemType Directory -Path $folder)

Test-Row 15 'what service install sets' {
    Install-Service
    AssertMatch (Invoke-Sc 'qc') 'AUTO_START\s+\(DELAYED\)'
    $failure = Invoke-Sc 'qfailure'
    AssertMatch $failure '86400'
    foreach ($delay in 5000, 30000, 120000) { AssertMatch $failure "$delay" }
    AssertMatch (Invoke-Sc 'qfailureflag') '(TRUE|: 1)'
    $privileges = Invoke-Sc 'qprivs'
    foreach ($name in 'AssignPrimaryToken', 'IncreaseQuota', 'Tcb', 'Impersonate', 'Debug', 'ChangeNotify') {
        AssertMatch $privileges "Se${name}Privilege"
    }
    Assert (([regex]::Matches($privileges, 'Se\w+Privilege')).Count -eq 6) "other privileges too: $privileges"
    AssertMatch (Invoke-Sc 'qsidtype') 'UNRESTRICTED'
    AssertMatch (Invoke-Sc 'qpreshutdown') '60000'
    $acl = (Get-Acl -LiteralPath $dataDir).Access
    Assert (@($acl).Count -eq 2) "icacls: $(($acl | ForEach-Object { $_.IdentityReference }) -join ', ')"
}

Test-Row 16 'three times killed, started again after 5 s, 30 s and 2 min' {
    Install-Service
    AssertMatch (Invoke-Sc 'qfailure') 'RESTART'
    Start-OurService
    foreach ($seconds in 5, 30, 120) {
        $killed = Get-ServiceProcess
        Stop-Process -Id $killed -Force
        Wait-Until { $now = Get-ServiceProcess; $now -ne 0 -and $now -ne $killed } ($seconds + 30) 'the restart'
    }
}

Test-Row 17 'a port that another program has' {
    Install-Service
    $listener = New-Object Net.Sockets.TcpListener ([Net.IPAddress]::Loopback), $script:port
    $listener.Start()
    try { $done = Invoke-Ldplayerd @('service', 'start') } finally { $listener.Stop() }
    Assert ($done.Code -ne 0) 'the service started'
    AssertMatch $done.Text "$script:port|address|port"
    AssertMatch (Invoke-Sc 'query') 'SERVICE_EXIT_CODE\s*:\s*4'
}

Test-Row 20 'a data directory of a user who is no administrator' {
    $user = New-LesserUser
    [void] (Invoke-AsUser $user "[void](New-Item -ItemType Directory '$dataDir'); '{}' | Out-File '$dataDir\config.json'; 'made'")
    if (-not (Test-Path -LiteralPath "$dataDir\config.json")) { Skip 'the user could not make the folder' }
    $done = Invoke-Ldplayerd @('service', 'install')
    Assert ($done.Code -ne 0) 'installed'
    AssertMatch $done.Text 'no administrator'
    Assert (-not (Test-Installed)) 'an entry is left'
}

Test-Row 21 'the group of the operators' {
    [void] (New-LesserUser)
    Install-Service @('--add-user', 'ldp-check')
    $group = Invoke-Program 'net.exe' @('localgroup', 'ldplayerd-operators')
    if ($group.Code -ne 0) { Skip 'there are no local groups here' }
    AssertMatch $group.Text 'ldp-check'
    [void] (Invoke-Ldplayerd @('service', 'uninstall'))
    Assert ((Invoke-Program 'net.exe' @('localgroup', 'ldplayerd-operators')).Code -ne 0) 'the group is left'
    [void] (Invoke-Program 'net.exe' @('localgroup', 'ldplayerd-operators', '/add'))
    Install-Service
    $done = Invoke-Ldplayerd @('service', 'uninstall')
    Assert ((Invoke-Program 'net.exe' @('localgroup', 'ldplayerd-operators')).Code -eq 0) 'the group made by hand is gone'
    AssertMatch $done.Text 'ldplayerd-operators'
}

Test-Row 28 'entries of the event log have texts' {
    try { [void] (Get-WinEvent -ListLog Application) } catch { Skip 'the event log cannot be read here' }
    $since = Get-Date
    Install-Service
    Start-OurService
    [void] (Invoke-Ldplayerd @('service', 'stop'))
    $entries = @(Get-WinEvent -FilterHashtable @{ LogName = 'Application'; ProviderName = 'ldplayerd'; StartTime = $since })
    foreach ($id in 1, 2) {
        $entry = @($entries | Where-Object { $_.Id -eq $id })
        Assert ($entry.Count -ge 1) "no entry $id"
        AssertMatch $entry[0].Message 'The service'
    }
}

Test-Row 29 'the log is rotated while somebody reads it' {
    Install-Service @('--log-max-mb', '1', '--log-level', 'debug')
    Start-OurService
    $logs = Join-Path $dataDir 'logs'
    Wait-Until { Test-Path -LiteralPath "$logs\ldplayerd.log" } 10 'the log file'
    $reader = [IO.File]::Open("$logs\ldplayerd.log", 'Open', 'Read', 'ReadWrite, Delete')
    try {
        $end = [DateTime]::UtcNow.AddMinutes(5)
        while (-not (Get-ChildItem -LiteralPath $logs -Filter 'ldplayerd-*Z.log')) {
            Assert ([DateTime]::UtcNow -lt $end) 'no rotation within 5 min'
            1..200 | ForEach-Object { [void] (Send-Request (Get-RequestText 'GET' '/api/version')) }
        }
        Assert ((Get-Item -LiteralPath "$logs\ldplayerd.log").Length -lt 1MB) 'the new file begins full'
    }
    finally { $reader.Dispose() }
}

Test-Row 32 'the tests of the Windows build, all seen' {
    foreach ($name in 'test_pipe_server_win.exe', 'test_peer_win.exe') {
        $done = Invoke-Program (Join-Path $Build "tests\win32\$name") @()
        Assert ($done.Code -eq 0) "${name}: $($done.Text)"
        AssertMatch $done.Text '0 fail'
        $missing = @($done.Text -split "`r?`n" | Where-Object { $_ -match '^not seen' })
        if ($missing.Count) { Skip "${name}: $($missing[0])" }
    }
}

Test-Row 33 'who may open the pipe' {
    Install-Service
    Start-OurService
    if (-not (Get-Command accesschk64.exe -ErrorAction SilentlyContinue)) { Skip 'accesschk64 (Sysinternals) is not on the search path' }
    $text = (Invoke-Program 'accesschk64.exe' @('-nobanner', '-accepteula', '\pipe\ldplayerd', '-l')).Text
    AssertMatch $text '(?s)DENIED.*DENIED.*ALLOWED'
}

Test-Row 34 'a user without rights looks and does not touch' {
    Install-Service
    Start-OurService
    $user = New-LesserUser
    AssertMatch (Invoke-AsUser $user (Get-AskText 'GET' '/api/auth/me')) '(viewer|401)'
    AssertMatch (Invoke-AsUser $user (Get-AskText 'POST' '/api/instances/0/stop')) '(403|401)'
}

Test-Row 35 'a second server of the pipe' {
    Install-Service
    Start-OurService
    $user = New-LesserUser
    AssertMatch (Invoke-AsUser $user "[void](New-Object IO.Pipes.NamedPipeServerStream 'ldplayerd','InOut',-1); 'made'") 'denied|verweigert|UnauthorizedAccess'
}

Test-Row 36 'an operator acts' {
    $user = New-LesserUser
    Install-Service @('--add-user', 'ldp-check')
    Start-OurService
    AssertMatch (Invoke-AsUser $user (Get-AskText 'GET' '/api/auth/me')) 'operator'
    AssertMatch (Invoke-AsUser $user (Get-AskText 'POST' '/api/instances/0/stop')) 'HTTP/1.1 202'
}

Test-Row 37 'an administrator is admin' {
    Install-Service
    Start-OurService
    AssertMatch (Send-Request (Get-RequestText 'GET' '/api/auth/me')) '(?s)200 OK.*"admin"'
}

Test-Row 39 'a pipe that somebody else has' {
    Install-Service
    $taken = New-Object IO.Pipes.NamedPipeServerStream 'ldplayerd'
    try { $done = Invoke-Ldplayerd @('service', 'start') } finally { $taken.Dispose() }
    Assert ($done.Code -ne 0) 'the service started'
    $log = Get-Content -LiteralPath (Join-Path $dataDir 'logs\ldplayerd.log') -Raw
    AssertMatch $log 'pipe.*ldplayerd'
}

# --- rows: the installer ---

function Install-Msi([string] $Package, [string[]] $More) {
    if (-not $Package) { Skip 'no -Msi and -HigherMsi were given' }
    $log = Join-Path $folder 'msi.log'
    $script:port = Get-FreePort
    $code = Invoke-Msi (@('/i', $Package, "HTTP_PORT=$script:port") + $More) $log
    Assert ($code -eq 0) "msiexec ended with ${code}: $log"
}

# What a person sees of the service; what this machine has no word for is left out.
function Get-Appearance {
    foreach ($question in 'qc', 'qfailure', 'qfailureflag', 'qprivs', 'qsidtype', 'qpreshutdown') {
        (Invoke-Program 'sc.exe' @($question, 'ldplayerd')).Text
    }
    (Invoke-Program 'net.exe' @('localgroup', 'ldplayerd-operators')).Text
    (Invoke-Program 'reg.exe' @('query', 'HKLM\SYSTEM\CurrentControlSet\Services\ldplayerd', '/s')).Text
}

function Assert-Nothing([string] $DataDir) {
    Assert (-not (Test-Installed)) 'the service is left'
    Assert (-not (Test-Path -LiteralPath (Join-Path $env:ProgramFiles 'ldplayerd'))) 'the program folder is left'
    foreach ($key in 'SYSTEM\CurrentControlSet\Services\EventLog\Application\ldplayerd', 'Software\ldplayerd') {
        Assert ((Invoke-Program 'reg.exe' @('query', "HKLM\$key")).Code -ne 0) "$key is left"
    }
}

Test-Row 41 'what an installation shows' {
    Install-Msi $Msi
    $entries = (Invoke-Program 'reg.exe' @('query', 'HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall', '/s')).Text
    AssertMatch $entries 'DisplayName\s+REG_SZ\s+ldplayerd'
    AssertMatch $entries 'NoModify\s+REG_DWORD\s+0x1'
    $path = (Invoke-Program 'reg.exe' @('query', 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment', '/v', 'PATH')).Text
    AssertMatch $path '\\ldplayerd'
    $users = New-Object Security.Principal.SecurityIdentifier 'S-1-5-32-545'
    $rights = (Get-Acl -LiteralPath (Join-Path $env:ProgramFiles 'ldplayerd')).Access |
        Where-Object { $_.IdentityReference.Translate([Security.Principal.SecurityIdentifier]) -eq $users }
    foreach ($right in $rights) { Assert (-not ($right.FileSystemRights -band 2)) 'users may write into the program folder' }
}

Test-Row 43 'an upgrade keeps the service as it is' {
    Install-Msi $Msi
    $before = Get-Appearance | Out-String
    $log = Join-Path $folder 'up.log'
    Assert ((Invoke-Msi @('/i', $HigherMsi) $log) -eq 0) "the upgrade: $log"
    Assert ((Get-Appearance | Out-String) -eq $before) 'the service looks different after the upgrade'
    Assert ((Invoke-Msi @('/i', $Msi) $log) -ne 0) 'the lower version was taken'
}

Test-Row 44 'an upgrade that fails leaves the old version at work' {
    Install-Msi $Msi
    $before = Get-Appearance | Out-String
    [IO.File]::WriteAllText((Join-Path $dataDir 'config.json'), '{')
    $log = Join-Path $folder 'up.log'
    $code = Invoke-Msi @('/i', $HigherMsi) $log
    Assert ($code -ne 0) 'the upgrade succeeded'
    Assert (Test-Installed) 'the service is gone'
    Assert ((Get-Appearance | Out-String) -eq $before) 'the service looks different after the rollback'
}

Test-Row 45 'a folder with other things in it is refused and left alone' {
    $theirs = Join-Path $folder 'theirs'
    [void] (New-Item -ItemType Directory -Path $theirs)
    [IO.File]::WriteAllText("$theirs\letter.txt", 'dear')
    if (-not $Msi) { Skip 'no -Msi was given' }
    $code = Invoke-Msi @('/i', $Msi, "DATA_DIR=$theirs") (Join-Path $folder 'msi.log')
    Assert ($code -ne 0) 'installed'
    Assert ([IO.File]::ReadAllText("$theirs\letter.txt") -eq 'dear') 'the file was touched'
    AssertMatch ([IO.File]::ReadAllText((Join-Path $env:SystemRoot 'Logs\ldplayerd-setup.log'))) 'files in it'
    Assert-Nothing
}

Test-Row 46 'uninstalled nothing is left, and data only without REMOVE_DATA' {
    Install-Msi $Msi
    Assert ((Invoke-Msi @('/x', $Msi) (Join-Path $folder 'x.log')) -eq 0) 'not uninstalled'
    Assert-Nothing
    Assert (Test-Path -LiteralPath (Join-Path $dataDir 'config.json')) 'the data is gone'
    Install-Msi $Msi
    Assert ((Invoke-Msi @('/x', $Msi, 'REMOVE_DATA=1') (Join-Path $folder 'x.log')) -eq 0) 'not uninstalled'
    Assert-Nothing
    Assert (-not (Test-Path -LiteralPath $dataDir)) 'the data is left'
}

# --- what needs hands or other machines ---

Test-Row 30 'a log file on a full volume' { Skip 'needs a small volume' }
Test-Row 31 'a crash leaves a dump that WinDbg opens' { Skip 'needs WinDbg' }
Test-Row 38 'the pipe from another machine' { Skip 'needs a second machine' }
Test-Row 42 'the group in the token after the next logon' { Skip 'needs a logon' }

Remove-Item -LiteralPath $folder -Recurse -Force -ErrorAction SilentlyContinue
$failed = @($script:results | Where-Object { $_.Result -eq 'FAIL' }).Count
$seen = @($script:results | Where-Object { $_.Result -eq 'pass' }).Count
Write-Output "$seen passed, $failed failed, $($script:results.Count - $seen - $failed) not seen"
exit [int] ($failed -gt 0)
