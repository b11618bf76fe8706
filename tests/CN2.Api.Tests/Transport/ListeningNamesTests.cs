using CN2.Api.Http;
using Microsoft.AspNetCore.Http;

namespace CN2.Api.Tests.Transport;

/// <summary>Which names a listener has.</summary>
public sealed class ListeningNamesTests
{
    [Theory]
    [InlineData("http://0.0.0.0:8080", "192.0.2.1:8080", true)] // an address cannot be made to resolve elsewhere
    [InlineData("http://[::]:8080", "[2001:db8::1]:8080", true)]
    [InlineData("http://0.0.0.0:8080", "localhost", true)]
    [InlineData("http://0.0.0.0:8080", "evil.example", false)]
    [InlineData("http://192.0.2.1:8080", "192.0.2.1", true)]
    [InlineData("http://192.0.2.1:8080", "192.0.2.2", false)]
    [InlineData("http://192.0.2.1:8080", "localhost", false)]
    [InlineData("http://[2001:db8::1]:8080", "[2001:db8::1]:8080", true)]
    [InlineData("http://localhost:8080", "127.0.0.1:8080", true)]
    [InlineData("http://127.0.0.1:8080", "", true)] // HTTP/1.0 without a host
    public void A_listener_has_its_own_names(string url, string host, bool has) => Assert.Equal(has, new ListeningNames(new Uri(url), "").Has(new HostString(host)));

    [Fact]
    public void The_machine_has_its_name_where_others_reach_it() => Assert.True(new ListeningNames(new Uri("http://0.0.0.0:80"), "").Has(new HostString(Environment.MachineName)));

    [Theory]
    [InlineData("*", "any.example", true)]
    [InlineData("a.example; *.b.example", "x.b.example", true)]
    [InlineData("a.example; *.b.example", "a.example", true)]
    [InlineData("2001:db8::5", "[2001:db8::5]", true)]
    [InlineData("a.example", "b.example", false)]
    public void AllowedHosts_adds_names(string allowed, string host, bool has) => Assert.Equal(has, new ListeningNames(new Uri("http://127.0.0.1:80"), allowed).Has(new HostString(host)));
}
