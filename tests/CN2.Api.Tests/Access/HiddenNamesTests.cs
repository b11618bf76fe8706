using System.Collections.Frozen;
using CN2.Api.Access;

namespace CN2.Api.Tests.Access;

public sealed class HiddenNamesTests
{
    private static readonly CallerRights OfNs1 = new(null, new Dictionary<string, Role> { ["ns1"] = Role.Editor }.ToFrozenDictionary());

    [Theory]
    [InlineData("100.0.0.9 is held by FloatingIP ns2/web-vip.", "100.0.0.9 is held by a FloatingIP of another namespace.")]
    [InlineData("100.0.0.9 is held by FloatingIP ns1/web-vip.", "100.0.0.9 is held by FloatingIP ns1/web-vip.")]
    [InlineData("100.0.0.0/24 overlaps 100.0.0.0/16 of ExternalNetwork ns2/vn-external2.", "100.0.0.0/24 overlaps 100.0.0.0/16 of an ExternalNetwork of another namespace.")]
    [InlineData("X is in use by Service ns1/a, Service ns2/b.", "X is in use by Service ns1/a, a Service of another namespace.")]
    [InlineData("Send the body as application/json in UTF-8.", "Send the body as application/json in UTF-8.")]
    public void A_refusal_names_nothing_of_a_namespace_that_the_caller_may_not_see(string sentence, string read) => Assert.Equal(read, HiddenNames.Hide(sentence, OfNs1));

    [Fact]
    public void A_viewer_of_all_namespaces_reads_every_name() => Assert.Equal("FloatingIP ns2/web-vip", HiddenNames.Hide("FloatingIP ns2/web-vip", CallerRights.All));
}
