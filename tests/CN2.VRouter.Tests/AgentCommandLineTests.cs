namespace CN2.VRouter.Tests;

public sealed class AgentCommandLineTests
{
    [Fact]
    public void All_options_are_read()
    {
        var run = Assert.IsType<AgentCommand.Run>(Parse("--server http://10.0.0.1:8081 --server=http://[fd00::1]:8081 --name compute1 --address 172.27.115.242 --address6 fd00::242 --state-dir /var/lib/cn2 --table cn2_b"));
        Assert.Equal(["http://10.0.0.1:8081/", "http://[fd00::1]:8081/"], run.Servers.Select(s => s.ToString()));
        Assert.Equal(("compute1", "172.27.115.242", "fd00::242", "/var/lib/cn2", "cn2_b"), (run.Name, run.Address.ToString(), run.Address6?.ToString(), run.StateDirectory, run.Table));
    }

    [Fact]
    public void What_is_left_out_has_its_default()
    {
        var run = Assert.IsType<AgentCommand.Run>(Parse("--server http://h:8081 --name n --address 172.27.115.242"));
        Assert.Equal((null, null, "cn2"), (run.Address6, run.StateDirectory, run.Table));
    }

    [Fact]
    public void Every_fault_is_named()
    {
        var wrong = Assert.IsType<AgentCommand.Wrong>(Parse("--server https://h --name Compute_1 --address 10.1 --address6 10.0.0.1 --table 1x --frob --state-dir"));
        Assert.Equal(
            ["--frob", "--state-dir", "--table 1x", "--server https://h", "--name Compute_1", "--address 10.1", "--address6 10.0.0.1"],
            wrong.Faults.Select(f => f[..f.IndexOf(':', f.StartsWith("--server", StringComparison.Ordinal) ? 15 : 0)]));
    }

    [Theory]
    [InlineData("", "--server", "--name", "--address")]
    [InlineData("--server http://h:1 --address 1.2.3.4", "--name")]
    [InlineData("--server http://h:1 --name a --name b --address 1.2.3.4", "--name")]
    [InlineData("--server http://h:1 --name a --address 127.0.0.1", "--address")]
    [InlineData("--server http://h:1 --name a --address 1.2.3.4 extra", "extra")]
    [InlineData("--server http://h:1/path --name a --address 1.2.3.4", "--server")]
    [InlineData("flush --name a", "--name", "a")]
    [InlineData("flush --table a;b", "--table")]
    public void Wrong_lines_are_refused(string line, params string[] about)
    {
        var wrong = Assert.IsType<AgentCommand.Wrong>(Parse(line));
        Assert.Equal(about, wrong.Faults.Select(f => f.Split([' ', ':'])[0]));
    }

    [Fact]
    public void Flush_takes_a_table()
    {
        Assert.Equal(new AgentCommand.Flush("cn2"), Parse("flush"));
        Assert.Equal(new AgentCommand.Flush("other"), Parse("flush --table other"));
    }

    [Fact]
    public void Help_wins() => Assert.IsType<AgentCommand.Help>(Parse("--frob --help"));

    private static AgentCommand Parse(string line) => AgentCommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
