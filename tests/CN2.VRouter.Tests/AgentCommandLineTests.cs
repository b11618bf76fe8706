using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Tests;

public sealed class AgentCommandLineTests
{
    [Fact]
    public void All_options_are_read()
    {
        var run = Assert.IsType<AgentCommand.Run>(Parse("--server http://10.0.0.1:8081 --server=https://[fd00::1]:8443 --name compute1 --address 172.27.115.242 --address6 fd00::242 --state-dir /var/lib/cn2 --table cn2_b --overlay kernel --ca-file /etc/cn2/ca.pem"));
        Assert.Equal(["http://10.0.0.1:8081/", "https://[fd00::1]:8443/"], run.Servers.Select(s => s.ToString()));
        Assert.Equal("/etc/cn2/ca.pem", run.CaFile);
        Assert.Equal(("compute1", "172.27.115.242", "fd00::242", "/var/lib/cn2", "cn2_b", OverlayChoice.Kernel), (run.Name, run.Address.ToString(), run.Address6?.ToString(), run.StateDirectory, run.Table, run.Overlay));
    }

    [Fact]
    public void A_join_is_read_and_its_token_may_come_from_elsewhere()
    {
        var hash = "sha256:" + new string('a', 64);
        var join = Assert.IsType<AgentCommand.Join>(Parse($"join --server https://cn2.example:8444 --token cn2j_x --ca-hash {hash.ToUpperInvariant().Replace("SHA", "sha", StringComparison.Ordinal)} --state-dir /var/lib/cn2 --name compute1 --ca-file /ca.pem --force"));
        Assert.Equal(("https://cn2.example:8444/", "cn2j_x", hash, "/var/lib/cn2", "compute1", "/ca.pem", true), (join.Server.ToString(), join.Token, join.CaHash, join.StateDirectory, join.Name, join.CaFile, join.Force));
        Assert.DoesNotContain("cn2j_x", join.ToString(), StringComparison.Ordinal);
        string[] without = ["join", "--server=https://h:1", $"--ca-hash={hash}", "--state-dir=/s"];
        Assert.Equal("cn2j_env", Assert.IsType<AgentCommand.Join>(AgentCommandLine.Parse(without, n => n == "CN2_JOIN_TOKEN" ? "cn2j_env" : null)).Token);
        using var directory = new TemporaryDirectory("cn2t-token-");
        var file = Path.Combine(directory.Path, "token");
        File.WriteAllText(file, "cn2j_file\n");
        Assert.Equal("cn2j_file", Assert.IsType<AgentCommand.Join>(AgentCommandLine.Parse([.. without, "--token-file", file], _ => null)).Token);
    }

    [Fact]
    public void Every_fault_of_a_join_is_reported_and_none_shows_the_token() => Assert.Equal(
        ["--frob: there is no such option of join", "--server http://h:1: expected https://HOST:PORT of a CN2.Api; agents join over TLS only",
         "--ca-hash: expected sha256: and 64 hexadecimal digits, as the answer with the join token has it", "--state-dir: missing; expected the directory in which the agent keeps its certificate",
         "--name A: expected a DNS label (a-z, 0-9, -), at most 63 characters", "--token: this is no join token"],
        Assert.IsType<AgentCommand.Wrong>(AgentCommandLine.Parse(["join", "--frob", "--server", "http://h:1", "--ca-hash", "md5:1", "--name", "A", "--token", "se cret"], _ => null)).Faults);

    [Fact]
    public void A_missing_option_has_its_default()
    {
        var run = Assert.IsType<AgentCommand.Run>(Parse("--server http://h:8081 --name n --address 172.27.115.242"));
        Assert.Equal((null, null, "cn2", OverlayChoice.Auto, null, 8475), (run.Address6, run.StateDirectory, run.Table, run.Overlay, run.CaFile, run.RelayPort));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("65535", 65535)]
    public void Errors_are_relayed_at_another_port_or_not_at_all(string port, int expected) =>
        Assert.Equal(expected, Assert.IsType<AgentCommand.Run>(Parse($"--server http://h:8081 --name n --address 172.27.115.242 --relay-port {port}")).RelayPort);

    [Fact]
    public void Every_fault_is_reported()
    {
        var wrong = Assert.IsType<AgentCommand.Wrong>(Parse("--server grpcs://h --name Compute_1 --address 10.1 --address6 10.0.0.1 --table 1x --frob --state-dir"));
        Assert.Equal(
            ["--frob", "--state-dir", "--table 1x", "--server grpcs://h", "--name Compute_1", "--address 10.1", "--address6 10.0.0.1"],
            wrong.Faults.Select(f => f[..f.IndexOf(':', f.StartsWith("--server", StringComparison.Ordinal) ? 15 : 0)]));
    }

    [Theory]
    [InlineData("", "--server", "--name", "--address")]
    [InlineData("--server http://h:1 --address 1.2.3.4", "--name")]
    [InlineData("--server http://h:1 --name a --name b --address 1.2.3.4", "--name")]
    [InlineData("--server http://h:1 --name a --address 127.0.0.1", "--address")]
    [InlineData("--server http://h:1 --name a --address 1.2.3.4 extra", "extra")]
    [InlineData("--server http://h:1 --name a --address 1.2.3.4 --overlay Kernel", "--overlay")]
    [InlineData("--server http://h:1 --name a --address 1.2.3.4 --overlay 1", "--overlay")]
    [InlineData("--server http://h:1/path --name a --address 1.2.3.4", "--server")]
    [InlineData("--server http://h:1 --name a --address 1.2.3.4 --ca-file ca.pem", "--ca-file")]
    [InlineData("--server https://h:1 --name a --address 1.2.3.4 --ca-file=", "--ca-file")]
    [InlineData("--server http://h:1 --name a --address 1.2.3.4 --relay-port 65536", "--relay-port")]
    [InlineData("--server http://h:1 --name a --address 1.2.3.4 --relay-port +1", "--relay-port")]
    [InlineData("flush --name a", "--name", "a")]
    [InlineData("flush --table a;b", "--table")]
    public void A_wrong_command_line_is_refused(string line, params string[] about)
    {
        var wrong = Assert.IsType<AgentCommand.Wrong>(Parse(line));
        Assert.Equal(about, wrong.Faults.Select(f => f.Split([' ', ':'])[0]));
    }

    [Fact]
    public void Flush_accepts_a_table()
    {
        Assert.Equal(new AgentCommand.Flush("cn2"), Parse("flush"));
        Assert.Equal(new AgentCommand.Flush("other"), Parse("flush --table other"));
    }

    [Fact]
    public void A_missing_option_is_read_from_the_environment()
    {
        var run = Assert.IsType<AgentCommand.Run>(Parse(
            "--name compute2",
            ("SERVER", "http://a:8081, http://b:8081"), ("NAME", "compute1"), ("ADDRESS", "172.27.115.242"), ("ADDRESS6", "fd00::242"), ("STATE_DIR", "/var/lib/cn2"), ("TABLE", "t")));
        Assert.Equal(["http://a:8081/", "http://b:8081/"], run.Servers.Select(s => s.ToString()));
        Assert.Equal(("compute2", "172.27.115.242", "fd00::242", "/var/lib/cn2", "t"), (run.Name, run.Address.ToString(), run.Address6?.ToString(), run.StateDirectory, run.Table));
        Assert.Equal(new AgentCommand.Flush("t"), Parse("flush", ("TABLE", "t"), ("NAME", "Not_Asked")));
    }

    [Fact]
    public void A_fault_in_the_environment_names_its_variable()
    {
        var wrong = Assert.IsType<AgentCommand.Wrong>(Parse("", ("SERVER", "http://a:8081,b"), ("NAME", "A"), ("ADDRESS", "::1"), ("ADDRESS6", ""), ("TABLE", "1")));
        Assert.Equal(
            [
                "CN2_VROUTER_TABLE 1: expected a letter, then letters, digits and _, at most 63",
                "CN2_VROUTER_SERVER b: expected https://HOST:PORT or http://HOST:PORT",
                "CN2_VROUTER_NAME A: expected a DNS label (a-z, 0-9, -), at most 63 characters",
                "CN2_VROUTER_ADDRESS ::1: expected an IPv4 address such as 172.27.115.242",
            ],
            wrong.Faults);
    }

    [Fact]
    public void A_node_may_be_called_help() =>
        Assert.Equal("help", Assert.IsType<AgentCommand.Run>(Parse("--server http://h:8081 --name help --address 1.2.3.4")).Name);

    [Fact]
    public void Help_wins() => Assert.IsType<AgentCommand.Help>(Parse("--frob --help"));

    private static AgentCommand Parse(string line, params (string Name, string Value)[] environment)
    {
        var variables = environment.ToDictionary(v => "CN2_VROUTER_" + v.Name, v => v.Value);
        return AgentCommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), variables.GetValueOrDefault);
    }
}
