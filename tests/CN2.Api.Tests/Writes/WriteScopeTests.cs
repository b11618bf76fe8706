using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Writes;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Writes;

/// <summary>One attempt of one write.</summary>
public sealed class WriteScopeTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    [Fact]
    public async Task A_write_of_which_nobody_has_said_whose_it_is_may_do_nothing()
    {
        var rights = await api.Services.GetRequiredService<TransactionRunner>().RunAsync((scope, _) => Task.FromResult(scope.Rights), TestContext.Current.CancellationToken);
        Assert.Equal(AccessDecision.Refused, AccessRules.Decide(rights, AccessVerb.Get, AccessResource.VirtualNetworks, "default"));
        Assert.False(rights.IsOperator);
    }
}
