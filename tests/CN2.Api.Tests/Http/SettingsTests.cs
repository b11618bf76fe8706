using CN2.Api.Options;
using Microsoft.Extensions.Configuration;

namespace CN2.Api.Tests.Http;

public sealed class SettingsTests
{
    [Fact]
    public void Without_a_connection_string_and_router_id_both_are_named()
    {
        Read([], out var faults);
        Assert.Collection(faults,
            f => Assert.StartsWith("ConnectionStrings__CN2 is not set: expected a PostgreSQL connection string", f, StringComparison.Ordinal),
            f => Assert.StartsWith("Bgp__RouterId is not set: expected an IPv4 address", f, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Http:Url", "https://127.0.0.1:1")]
    [InlineData("Http:Url", "127.0.0.1:8080")]
    [InlineData("Grpc:Url", "http://127.0.0.1:8081/path")]
    [InlineData("Bgp:Engine", "frr")]
    [InlineData("Bgp:GoBgp:Address", "127.0.0.1:50051")]
    [InlineData("Bgp:AutonomousSystem", "0")]
    [InlineData("Bgp:AutonomousSystem", "23456")]
    [InlineData("Bgp:AutonomousSystem", "4294967295")]
    [InlineData("Bgp:AutonomousSystem", "4294967296")]
    [InlineData("Bgp:AutonomousSystem", "sixty")]
    [InlineData("Bgp:RouterId", "10.1")]
    [InlineData("Bgp:RouterId", "2001:db8::1")]
    [InlineData("Bgp:RouterId", "0.0.0.0")]
    [InlineData("Bgp:ListenPort", "0")]
    [InlineData("Bgp:ListenPort", "-2")]
    [InlineData("Bgp:ImportedRoutesPerPeer", "0")]
    [InlineData("Bgp:ImportedRoutesPerPeer", "many")]
    [InlineData("Bgp:ListenAddresses:0", "any")]
    [InlineData("VRouters:LostAfterSeconds", "0")]
    [InlineData("Cluster:Name", "Not_A_Name")]
    [InlineData("ServiceNetwork:V4", "10.233.0.1/18")]
    [InlineData("ServiceNetwork:V4", "fd00::/64")]
    [InlineData("ServiceNetwork:V6", "10.0.0.0/8")]
    [InlineData("ServiceNetwork:V4", "10.0.0.0/32")]
    [InlineData("ServiceNetwork:V6", "fd00::/8")]
    [InlineData("ServiceNetwork:V4", "224.0.0.0/8")]
    [InlineData("ServiceNetwork:V4", "127.0.0.0/8")]
    [InlineData("ServiceNetwork:V6", "fe80::/64")]
    [InlineData("Bgp:ListenAddresses", "127.0.0.1")]
    [InlineData("Http:Url", "http://localhost:0")]
    [InlineData("ControlNode:Name", "two words")]
    [InlineData("ControlNode:Name", "-dash")]
    [InlineData("ConnectionStrings:CN2", "Host=x;Port=65536")]
    [InlineData("ConnectionStrings:CN2", "Host=x;Maximum Pool Size=0")]
    [InlineData("Grpc:Url", "http://127.0.0.1:8080")]
    [InlineData("NodePorts:From", "0")]
    [InlineData("NodePorts:To", "29999")]
    [InlineData("Database:Migrate", "perhaps")]
    [InlineData("ConnectionStrings:CN2", "Nonsense=1")]
    public void A_wrong_setting_is_named_with_its_value(string key, string value)
    {
        Read(new() { ["ConnectionStrings:CN2"] = "Host=x", ["Bgp:RouterId"] = "10.0.0.1", [key] = value }, out var faults);
        var fault = Assert.Single(faults);
        Assert.StartsWith(key.Replace(":", "__", StringComparison.Ordinal), fault, StringComparison.Ordinal);
        Assert.Contains(key.StartsWith("Conn", StringComparison.Ordinal) ? " is set" : $"'{value}'", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_are_the_contracts()
    {
        var settings = Read(new() { ["ConnectionStrings:CN2"] = "Host=x", ["Bgp:RouterId"] = "10.0.0.1" }, out var faults);
        Assert.Empty(faults);
        Assert.Equal("http://127.0.0.1:8080/", settings.Listen.HttpUrl.ToString());
        Assert.Equal("http://127.0.0.1:8081/", settings.Listen.GrpcUrl.ToString());
        Assert.Equal((64512u, 179, "gobgp"), (settings.Bgp.AutonomousSystem, settings.Bgp.ListenPort, settings.Bgp.Engine));
        Assert.Equal(TimeSpan.FromSeconds(10), settings.VRouters.LostAfter);
        Assert.Equal("fd85:ee78:d8a6:8607::1000/116", settings.ServiceNetwork.V6.ToString());
        Assert.Equal((30000, 32767), (settings.NodePorts.From, settings.NodePorts.To));
    }

    private static Settings Read(Dictionary<string, string?> values, out IReadOnlyList<string> faults) =>
        Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build(), out faults);
}
