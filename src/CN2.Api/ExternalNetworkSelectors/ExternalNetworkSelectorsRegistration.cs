using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.ExternalNetworkSelectors;

public static class ExternalNetworkSelectorsRegistration
{
    public static IServiceCollection AddExternalNetworkSelectors(this IServiceCollection services) => services
        .AddSingleton<ExternalNetworkSelectorStore>()
        .AddWatched<ExternalNetworkSelectorRow, ExternalNetworkSelectorStore>(ResourceKind.ExternalNetworkSelector, (_, _, rows, _) =>
            Task.FromResult<IReadOnlyList<Json.ResourceBody>>([.. rows.Select(ExternalNetworkSelectorStore.ToResource)]));
}
