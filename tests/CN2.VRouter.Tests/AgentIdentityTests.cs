using CN2.VRouter.Host;

namespace CN2.VRouter.Tests;

/// <summary>By what an agent is known again, and that it is the only one of its table.</summary>
public sealed class AgentIdentityTests
{
    [Fact]
    public void An_agent_that_is_restarted_is_the_same_one_and_another_directory_is_another()
    {
        using var one = new TemporaryDirectory("cn2-agent-");
        using var two = new TemporaryDirectory("cn2-agent-");
        var first = AgentIdentity.Of(Path.Combine(one.Path, "made"));
        Assert.Equal(first.Instance, AgentIdentity.Of(Path.Combine(one.Path, "made")).Instance);
        Assert.NotEqual(first.Instance, AgentIdentity.Of(two.Path).Instance);
        Assert.NotEqual(AgentIdentity.Of(null).Instance, AgentIdentity.Of(null).Instance);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("aabb")]
    public void A_damaged_file_is_replaced(string content)
    {
        using var directory = new TemporaryDirectory("cn2-agent-");
        File.WriteAllText(Path.Combine(directory.Path, "instance"), content);
        var made = AgentIdentity.Of(directory.Path);
        Assert.Equal(16, made.Instance.Length);
        Assert.Equal(made.Instance, AgentIdentity.Of(directory.Path).Instance);
    }

    [Fact]
    public async Task The_lock_is_for_one_agent_of_a_table_and_nobody_else_can_take_it()
    {
        using var directory = new TemporaryDirectory("cn2-agent-");
        var place = Path.Combine(directory.Path, "lock");
        // Any process in the network namespace can have the abstract socket.
        using var squatter = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        squatter.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint("\0cn2-vrouter/locked"));
        using (var first = await AgentLock.TakeAsync("locked", place))
        {
            Assert.NotNull(first);
            using var other = await AgentLock.TakeAsync("other", place);
            Assert.NotNull(other);
            Assert.Null(await AgentLock.TakeAsync("locked", place));
            if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(place));
        }

        using var again = await AgentLock.TakeAsync("locked", place);
        Assert.NotNull(again);
    }
}
